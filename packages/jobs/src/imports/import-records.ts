/** Where imports are remembered: the port, with one adapter over Redis and one over a LevelDB of this process. */
import type { ImportId, ImportState, TenantId } from '@shoal/protocol';
import type { ChunkResult, ImportChunk, ImportFile, ImportPlan, ImportProgress, ImportRecord, ImportStatus, Rejection } from './import-record.ts';

/** A step of an import from one of some states to another; members that are left out stay. */
export interface ImportMove {
  readonly from: readonly ImportState[];
  /** Only in this run, where given. */
  readonly run?: number;
  readonly to: Partial<Pick<ImportProgress, 'state' | 'run' | 'token' | 'startedAtMs' | 'runStartedAtMs' | 'runStartRows'>> & {
    /** Null takes it away. */
    readonly finishedAtMs?: number | null;
    readonly error?: ImportProgress['error'] | null;
  };
}

/**
 * Invariants of every adapter:
 * 1. A move is one compare-and-set of the state.
 * 2. A chunk counts once, whoever reports it how often: its counts, its rejections and its receipt come in together or not at all.
 * 3. A plan is there as a whole or not at all, and never changes afterwards.
 */
export interface ImportRecords {
  /** Throws `too_many_imports`. When the id is taken the import that has it comes back. */
  create(record: ImportRecord, token: string): Promise<{ readonly status: ImportStatus; readonly created: boolean }>;
  find(id: ImportId): Promise<ImportStatus | undefined>;
  /** By id. */
  list(tenant: TenantId): Promise<readonly ImportStatus[]>;
  /** Those that should be going on. */
  active(): Promise<readonly ImportStatus[]>;
  /** False when the import is gone, in another state, or in another run. */
  move(id: ImportId, move: ImportMove): Promise<boolean>;
  /** From `planning` to `running`; false when that is not its state in this run. */
  plan(id: ImportId, run: number, plan: ImportPlan, nowMs: number): Promise<boolean>;
  /** The first chunks that are not recorded yet. */
  pending(id: ImportId, limit: number): Promise<readonly ImportChunk[]>;
  file(id: ImportId, index: number): Promise<ImportFile | undefined>;
  /** False when the chunk was recorded before, or the import is gone. */
  record(id: ImportId, chunk: number, result: ChunkResult): Promise<boolean>;
  /** By row, from a position in the report on. */
  rejections(id: ImportId, first: number, limit: number): Promise<readonly Rejection[]>;
  /** Only when it has ended; false otherwise. */
  delete(id: ImportId): Promise<boolean>;
  close(): Promise<void>;
}

/** Where an import is handed over to whoever runs it. */
export interface ImportQueue {
  /** Handing over twice does no harm. */
  enqueue(id: ImportId, run: number): Promise<void>;
  close(): Promise<void>;
}

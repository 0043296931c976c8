import type { Distance } from '@shoal/index';
import type { GroundTruth } from './ground-truth.ts';
import type { VectorRows } from '../engine/measured-engine.ts';

/** What a benchmark reads and writes. Row r of the database holds vector r mod `data.count`, under the key r in decimal. */
export interface BenchData {
  readonly title: string;
  readonly data: VectorRows;
  readonly queries: VectorRows;
  readonly distance: Distance;
  /** Known neighbours of the queries. */
  readonly truth?: GroundTruth;
}

export interface SearchSettings {
  readonly k: number;
  readonly ef: number;
  readonly path: 'auto' | 'exact' | 'rabitq' | 'flat';
}

/** An operation that failed; `code` is how the report groups it. */
export class OperationFailure extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'OperationFailure';
    this.code = code;
  }
}

/** One caller: one operation at a time. */
export interface BenchCaller {
  /** Searches for a query of the data. The function it resolves with reads the rows found, nearest first; it costs only when called. */
  search(query: number, settings: SearchSettings): Promise<() => readonly number[]>;
  /** Resolves when the rows are applied: from then on every search sees them. */
  insert(firstRow: number, count: number): Promise<void>;
  close(): void;
}

export interface BenchTarget {
  readonly description: string;
  /** Processes whose CPU time and memory belong to the database. */
  readonly processIds: readonly number[];
  openCaller(): Promise<BenchCaller>;
  close(): Promise<void>;
}

/**
 * The indexes of partitions in files, so that a start reads graphs instead of building them. A file is taken while writes go on: what the
 * partition held at its operation count is in the file for certain, and from then on every run notes, in the batch of its rows, which ids
 * it changed. A recovery takes those out of what the file holds and puts them in again from the rows.
 *
 * Invariants:
 * 1. A record names a file that is whole and on the disk, and rows as new as the file are on the disk before the record is.
 * 2. From the operation count of the record on the changes have no gap; where they have one, or the file cannot be used, or what comes
 *    out has other ids than the rows, the index is built from the rows.
 * 3. The rows of the log's content are the same with checkpoints and without.
 */
import { EngineClosedError, FLAT_THRESHOLD_DEFAULT } from '@shoal/index';
import { StoreBatch, type CheckpointRecord, type ShardStore } from '@shoal/store';
import type { ActivePartition } from './partition-state.ts';
import { CHECKPOINT_PACE } from './limits.ts';

/** Where the files of checkpoints lie. */
export interface CheckpointFiles {
  pathOf(file: string): string;
  /** Removes a file, if it is there. */
  remove(file: string): Promise<void>;
}

/** What a partition knows of its checkpoints. */
export interface CheckpointState {
  /** Whether runs note which ids they change. */
  journaled: boolean;
  taken: CheckpointRecord | undefined;
}

/** Whether a partition is large enough for its index to have a graph. */
export function hasGraphSize({ vectorCount }: { readonly vectorCount: number }): boolean {
  return vectorCount > FLAT_THRESHOLD_DEFAULT;
}

/** Operations that a recovery would have to do anew. */
export function staleOperations({ checkpoint, operationCount }: ActivePartition): number {
  return operationCount - (checkpoint.taken?.operationCount ?? 0);
}

/**
 * Whether an index is to be written: when as much changed as half of it, or, where writing is wanted soon, because writes pause or the
 * process ends, when building what changed would be felt.
 */
export function isCheckpointDue(partition: ActivePartition, soon: boolean): boolean {
  if (!hasGraphSize(partition)) return false;
  const { growthShare, soonShare, operationsMin } = CHECKPOINT_PACE;
  const operations = Math.max(operationsMin, partition.vectorCount * (soon ? soonShare : growthShare));
  return staleOperations(partition) >= operations && partition.index.stats().graph;
}

export interface CheckpointTaking {
  readonly store: ShardStore;
  readonly files: CheckpointFiles;
  /** Whether the partition is still in use. */
  readonly isCurrent: (partition: ActivePartition) => boolean;
  readonly signal: AbortSignal;
}

/** Writes the indexes of some partitions; resolves with the bytes written. Rejects with IndexFileFailedError or what the store threw. */
export async function takeCheckpoints(taking: CheckpointTaking, partitions: readonly ActivePartition[]): Promise<number> {
  const { store, files } = taking;
  const written = new Map<ActivePartition, CheckpointRecord>();
  for (const partition of partitions) {
    if (taking.signal.aborted) break;
    const record = await writeIndex(taking, partition);
    if (record !== undefined) written.set(partition, record);
  }
  if (written.size === 0) return 0;
  await store.flush();
  const batch = new StoreBatch();
  for (const [partition, record] of written) if (taking.isCurrent(partition)) batch.putCheckpoint(partition.ref, record);
  await store.commit(batch, { sync: true });
  for (const [partition, record] of written) {
    const before = partition.checkpoint.taken;
    partition.checkpoint.taken = record;
    await store.clearChanges(partition.ref, record.operationCount);
    if (before !== undefined && before.file !== record.file) await files.remove(before.file);
  }
  return [...written.values()].reduce((sum, { fileBytes }) => sum + fileBytes, 0);
}

/** Undefined where the partition went away or the signal aborted meanwhile. */
async function writeIndex({ store, files, isCurrent, signal }: CheckpointTaking, partition: ActivePartition): Promise<CheckpointRecord | undefined> {
  const { ref, checkpoint } = partition;
  // What an earlier life noted before its first file was whole belongs to no file.
  if (!checkpoint.journaled) await store.clearChanges(ref, Number.MAX_SAFE_INTEGER);
  if (!isCurrent(partition)) return undefined;
  checkpoint.journaled = true;
  const { operationCount } = partition;
  const file = `${ref.code}-${ref.partition}-${operationCount}.index`;
  try {
    const fileBytes = await partition.index.exportTo(files.pathOf(file), signal);
    if (isCurrent(partition)) return { file, operationCount, fileBytes };
    await files.remove(file);
    return undefined;
  } catch (error) {
    await giveUpJournal(store, files, partition);
    if (error instanceof EngineClosedError || signal.aborted || !isCurrent(partition)) return undefined;
    throw error;
  }
}

/** Ends the notes of changed ids where no file makes use of them, or where there are so many that building is no slower: they have to end somewhere. */
async function giveUpJournal(store: ShardStore, files: CheckpointFiles, partition: ActivePartition): Promise<void> {
  const { checkpoint, ref, vectorCount } = partition;
  if (checkpoint.taken !== undefined && staleOperations(partition) < CHECKPOINT_PACE.giveUpShare * vectorCount) return;
  checkpoint.journaled = false;
  if (checkpoint.taken === undefined) return;
  const batch = new StoreBatch();
  batch.removeCheckpoint(ref);
  await store.commit(batch, { sync: false });
  await files.remove(checkpoint.taken.file);
  checkpoint.taken = undefined;
}

/** The index of a partition that has rows: from its checkpoint and what changed since, or built from the rows. */
import { EngineMemoryFullError, EngineError, type IndexOp, type VectorEngine, type VectorIndex, type VectorSource } from '@shoal/index';
import { ShoalError, type EmbeddingSpec, type VecId } from '@shoal/protocol';
import { StoreBatch, type CheckpointRecord, type PartitionRecord, type PartitionRef, type ShardStore } from '@shoal/store';
import { hasGraphSize, type CheckpointFiles, type CheckpointState } from './index-checkpoint.ts';
import { CHECKPOINT_PACE, PACE } from './limits.ts';

export interface IndexSource {
  readonly engine: VectorEngine;
  readonly store: ShardStore;
  /** Without it no checkpoint is looked for. */
  readonly files: CheckpointFiles | undefined;
  readonly signal: AbortSignal;
  /** Where an index that keeps codes alone reads its vectors. */
  readonly vectors: VectorSource | undefined;
}

export interface RestoredIndex {
  readonly index: VectorIndex;
  readonly checkpoint: CheckpointState;
}

export async function openIndex(engine: VectorEngine, spec: EmbeddingSpec, vectors: VectorSource | undefined): Promise<VectorIndex> {
  return engine.openIndex(indexSpec(spec), vectors);
}

function indexSpec({ dim, distance, hnsw, rabitq }: EmbeddingSpec): Parameters<VectorEngine['openIndex']>[0] {
  return { dim, distance, ...hnsw, rabitq };
}

/** The index from its checkpoint; undefined where there is none that can be used. */
export async function indexFromCheckpoint(source: IndexSource, ref: PartitionRef, record: PartitionRecord): Promise<RestoredIndex | undefined> {
  const { store, files } = source;
  if (files === undefined || !hasGraphSize(record)) return undefined;
  const taken = await store.checkpoint(ref);
  if (taken === undefined) return undefined;
  const index = await readIndex(source, files, ref, record, taken);
  if (index !== undefined) return { index, checkpoint: { journaled: true, taken } };
  await forgetCheckpoint(store, files, ref, taken);
  return undefined;
}

/** The index built from the rows. */
export async function indexFromRows({ engine, store, signal, vectors }: IndexSource, ref: PartitionRef, record: PartitionRecord): Promise<RestoredIndex> {
  const index = await openIndex(engine, record.spec, vectors);
  return filledOrDropped(index, async () => {
    let group: IndexOp[] = [];
    for await (const page of store.scanVectors(ref)) {
      signal.throwIfAborted();
      for (const { id, vector } of page) group.push({ type: 'put', id, vector: vector.values });
      if (group.length < PACE.recoverGroupVectors) continue;
      await index.apply(group);
      group = [];
    }
    await index.apply(group);
    return { index, checkpoint: { journaled: false, taken: undefined } };
  });
}

export async function forgetCheckpoint(store: ShardStore, files: CheckpointFiles, ref: PartitionRef, { file }: CheckpointRecord): Promise<void> {
  const batch = new StoreBatch();
  batch.removeCheckpoint(ref);
  await store.commit(batch, { sync: false });
  await files.remove(file);
}

/** The slot will be recovered again and again: what is left of an index that could not be filled would fill the engine for every other slot. */
async function filledOrDropped<Value>(index: VectorIndex, fill: () => Promise<Value>): Promise<Value> {
  try {
    return await fill();
  } catch (error) {
    await index.drop().catch(() => undefined);
    throw error;
  }
}

async function readIndex(source: IndexSource, files: CheckpointFiles, ref: PartitionRef, record: PartitionRecord, taken: CheckpointRecord): Promise<VectorIndex | undefined> {
  const changed = await changedSince(source.store, ref, taken.operationCount, record);
  if (changed === undefined) return undefined;
  let index: VectorIndex;
  try {
    index = await source.engine.importIndex(indexSpec(record.spec), files.pathOf(taken.file), source.vectors);
  } catch (error) {
    // Whatever keeps the file from being used, the rows are there; only memory would be missing for them too.
    if (error instanceof EngineError && !(error instanceof EngineMemoryFullError)) return undefined;
    throw error;
  }
  const fits = await filledOrDropped(index, async () => {
    await catchUp(source, ref, index, changed);
    return index.stats().vectorCount === record.vectorCount;
  });
  if (fits) return index;
  await index.drop();
  return undefined;
}

/** The ids that changed since; undefined where they are not all known, or where building the index is no slower than putting them. */
async function changedSince(store: ShardStore, ref: PartitionRef, operationCount: number, record: PartitionRecord): Promise<ReadonlySet<VecId> | undefined> {
  const changed = new Set<VecId>();
  let reached = operationCount;
  try {
    for await (const page of store.changesFrom(ref, operationCount)) {
      for (const { fromOperation, toOperation, ids } of page) {
        if (fromOperation !== reached) return undefined;
        reached = toOperation;
        for (const id of ids) changed.add(id);
      }
      if (changed.size > CHECKPOINT_PACE.rebuildShare * record.vectorCount) return undefined;
    }
  } catch (error) {
    // The rows may be well all the same.
    if (error instanceof ShoalError && error.code === 'store_corrupt') return undefined;
    throw error;
  }
  return reached === record.operationCount ? changed : undefined;
}

/** Takes the changed ids out, and puts those that live as their rows say. */
async function catchUp({ store, signal }: IndexSource, ref: PartitionRef, index: VectorIndex, changed: ReadonlySet<VecId>): Promise<void> {
  const ids = [...changed].sort((a, b) => a - b);
  for (let start = 0; start < ids.length; start += PACE.recoverGroupVectors) {
    signal.throwIfAborted();
    const some = ids.slice(start, start + PACE.recoverGroupVectors);
    await index.apply(some.filter((id) => index.has(id)).map((id) => ({ type: 'remove', id })));
    const rows = await store.rows(ref, some, { payloads: false });
    await index.apply(some.flatMap((id, i): IndexOp[] => {
      const row = rows[i];
      return row === undefined ? [] : [{ type: 'put', id, vector: row.values }];
    }));
  }
}

/** Opens the index of a partition: empty for a new one, filled from the store for one that has rows. */
import type { Engine, VectorIndex } from '@shoal/index';
import type { EmbeddingSpec, VecId } from '@shoal/protocol';
import type { PartitionRecord, PartitionRef, ShardStore } from '@shoal/store';
import { IdAllocator } from './id-allocator.ts';
import { KeyTable } from './key-table.ts';
import { PACE, SLOT_LIMITS } from './limits.ts';
import type { ActivePartition } from './partition-state.ts';

async function openIndex(engine: Engine, spec: EmbeddingSpec): Promise<VectorIndex> {
  const { dim, distance, hnsw, rabitq } = spec;
  return engine.openIndex({ dim, distance, ...hnsw, rabitq });
}

export async function openEmptyPartition(engine: Engine, ref: PartitionRef, spec: EmbeddingSpec): Promise<ActivePartition> {
  const ids = new IdAllocator({ nextId: 0, freedHead: 0, freed: [] }, SLOT_LIMITS.idGraceOperations);
  return { state: 'active', ref, spec, index: await openIndex(engine, spec), keys: new KeyTable(), ids, operationCount: 0, vectorCount: 0 };
}

export async function restorePartition(engine: Engine, store: ShardStore, ref: PartitionRef, record: PartitionRecord, signal: AbortSignal): Promise<ActivePartition> {
  const freed = await store.freedIds(ref);
  const keys = new KeyTable();
  for await (const page of store.scanKeys(ref)) {
    for (const { id, key } of page) keys.set(id, key);
  }
  const index = await openIndex(engine, record.spec);
  try {
    await fillIndex(index, store, ref, signal);
  } catch (error) {
    // The slot will be recovered again and again: what is left here would fill the engine for every other slot.
    await index.drop().catch(() => undefined);
    throw error;
  }
  const ids = new IdAllocator({ nextId: record.nextId, freedHead: record.freedHead, freed: freed.map((entry) => entry.freed) }, SLOT_LIMITS.idGraceOperations);
  return { state: 'active', ref, spec: record.spec, index, keys, ids, operationCount: record.operationCount, vectorCount: record.vectorCount };
}

async function fillIndex(index: VectorIndex, store: ShardStore, ref: PartitionRef, signal: AbortSignal): Promise<void> {
  let group: { type: 'put'; id: VecId; vector: Float32Array }[] = [];
  for await (const page of store.scanVectors(ref)) {
    signal.throwIfAborted();
    for (const { id, vector } of page) group.push({ type: 'put', id, vector: vector.values });
    if (group.length < PACE.recoverGroupVectors) continue;
    await index.apply(group);
    group = [];
  }
  if (group.length > 0) await index.apply(group);
}

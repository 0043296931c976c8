/** Opens the index of a partition: empty for a new one, filled from the store for one that has rows. */
import type { VectorEngine, VectorIndex } from '@shoal/index';
import type { EmbeddingSpec, VecId } from '@shoal/protocol';
import type { PartitionRecord, PartitionRef, ShardStore } from '@shoal/store';
import { IdAllocator } from './id-allocator.ts';
import { FieldFilling } from './payload-index/field-filling.ts';
import { FilterCache } from './payload-index/filter-cache.ts';
import { PayloadIndex } from './payload-index/payload-index.ts';
import { KeyTable } from './key-table.ts';
import { PACE, SLOT_LIMITS } from './limits.ts';
import type { ActivePartition } from './partition-state.ts';

async function openIndex(engine: VectorEngine, spec: EmbeddingSpec): Promise<VectorIndex> {
  const { dim, distance, hnsw, rabitq } = spec;
  return engine.openIndex({ dim, distance, ...hnsw, rabitq });
}

export async function openEmptyPartition(engine: VectorEngine, store: ShardStore, ref: PartitionRef, spec: EmbeddingSpec): Promise<ActivePartition> {
  const ids = new IdAllocator({ nextId: 0, freedHead: 0, freed: [] }, SLOT_LIMITS.idGraceOperations);
  const index = await openIndex(engine, spec);
  const payloads = new PayloadIndex(spec.fields, true);
  return { state: 'active', ref, spec, index, keys: new KeyTable(), ids, ...payloadSide(payloads, store, ref), operationCount: 0, vectorCount: 0, deleting: undefined };
}

function payloadSide(payloads: PayloadIndex, store: ShardStore, ref: PartitionRef): Pick<ActivePartition, 'payloads' | 'filling' | 'filters'> {
  return { payloads, filling: new FieldFilling(payloads, store, ref), filters: new FilterCache() };
}

export async function restorePartition(engine: VectorEngine, store: ShardStore, ref: PartitionRef, record: PartitionRecord, signal: AbortSignal): Promise<ActivePartition> {
  const freed = await store.freedIds(ref);
  const keys = new KeyTable();
  const payloads = new PayloadIndex(record.spec.fields, record.vectorCount === 0);
  for await (const page of store.scanKeys(ref)) {
    for (const { id, key } of page) {
      keys.set(id, key);
      payloads.restore(id);
    }
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
  const { spec, operationCount, vectorCount, deleting } = record;
  const partition: ActivePartition = { state: 'active', ref, spec, index, keys, ids, ...payloadSide(payloads, store, ref), operationCount, vectorCount, deleting };
  // In the background: searches without a filter need not wait for it.
  partition.filling.start();
  return partition;
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

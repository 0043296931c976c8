/** Opens the index of a partition: empty for a new one, filled from the store for one that has rows. */
import type { VectorEngine, VectorIndex } from '@shoal/index';
import { ShoalError, type EmbeddingSpec } from '@shoal/protocol';
import { digestOfText, type PartitionRecord, type PartitionRef, type ShardStore } from '@shoal/store';
import { IdAllocator } from './id-allocator.ts';
import { FieldFilling } from './payload-index/field-filling.ts';
import { FilterCache } from './payload-index/filter-cache.ts';
import { PayloadIndex } from './payload-index/payload-index.ts';
import { KeyTable } from './key-table.ts';
import { SLOT_LIMITS } from './limits.ts';
import type { ActivePartition } from './partition-state.ts';
import { vectorsOf } from './partition-vectors.ts';
import { UnstoredRows } from './unstored-rows.ts';
import { idsOf } from './payload-index/dense-bits.ts';
import { forgetCheckpoint, indexFromCheckpoint, indexFromRows, openIndex, type IndexSource, type RestoredIndex } from './restore-index.ts';

export async function openEmptyPartition(engine: VectorEngine, store: ShardStore, ref: PartitionRef, spec: EmbeddingSpec): Promise<ActivePartition> {
  const ids = new IdAllocator({ nextId: 0, freedHead: 0, freed: [] }, SLOT_LIMITS.idGraceOperations);
  const vectors = vectorsOf(store, ref, spec);
  const index = await openIndex(engine, spec, vectors);
  const payloads = new PayloadIndex(spec.fields, true);
  return { state: 'active', ref, spec, index, vectors, checkpoint: { journaled: false, taken: undefined }, keys: new KeyTable(), unstored: new UnstoredRows(), ids, ...payloadSide(payloads, store, ref), operationCount: 0, vectorCount: 0, digest: 0n, deleting: undefined };
}

function payloadSide(payloads: PayloadIndex, store: ShardStore, ref: PartitionRef): Pick<ActivePartition, 'payloads' | 'filling' | 'filters'> {
  return { payloads, filling: new FieldFilling(payloads, store, ref), filters: new FilterCache() };
}

export async function restorePartition(source: Omit<IndexSource, 'vectors'>, ref: PartitionRef, record: PartitionRecord): Promise<ActivePartition> {
  const { store } = source;
  const vectors = vectorsOf(store, ref, record.spec);
  const indexSource = { ...source, vectors };
  const [ids, keysAndPayloads, restored] = await allOrDropped(restoreIds(store, ref, record), restoreKeys(store, ref, record), restoreIndex(indexSource, ref, record));
  const { keys, payloads } = keysAndPayloads;
  const { index, checkpoint } = await matchingRows(indexSource, ref, record, payloads, restored);
  const { spec, operationCount, vectorCount, deleting } = record;
  const partition: ActivePartition = { state: 'active', ref, spec, index, vectors, checkpoint, keys, unstored: new UnstoredRows(), ids, ...payloadSide(payloads, store, ref), operationCount, vectorCount, digest: digestOfText(record.digest ?? '0'), deleting };
  // In the background: searches without a filter need not wait for it.
  partition.filling.start();
  return partition;
}

/** All three, side by side: the engine reads its file while keys come from the store. Where one fails, the index is dropped. */
async function allOrDropped<Ids, Keys>(ids: Promise<Ids>, keys: Promise<Keys>, index: Promise<RestoredIndex>): Promise<[Ids, Keys, RestoredIndex]> {
  const settled = await Promise.allSettled([ids, keys, index]);
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed === undefined) return [await ids, await keys, await index];
  if (settled[2].status === 'fulfilled') await settled[2].value.index.drop().catch(() => undefined);
  throw failed.reason;
}

async function restoreIds(store: ShardStore, ref: PartitionRef, { nextId, freedHead, freedTail }: PartitionRecord): Promise<IdAllocator> {
  const freed = freedHead === freedTail ? [] : await store.freedIds(ref);
  return new IdAllocator({ nextId, freedHead, freed: freed.map((entry) => entry.freed) }, SLOT_LIMITS.idGraceOperations);
}

async function restoreKeys(store: ShardStore, ref: PartitionRef, record: PartitionRecord): Promise<{ readonly keys: KeyTable; readonly payloads: PayloadIndex }> {
  const keys = new KeyTable();
  const payloads = new PayloadIndex(record.spec.fields, record.vectorCount === 0);
  let keyCount = 0;
  for await (const page of store.scanKeys(ref)) {
    for (const { id, key } of page) {
      keys.set(id, key);
      payloads.restore(id);
    }
    keyCount += page.length;
  }
  if (keyCount !== record.vectorCount) {
    throw new ShoalError('store_corrupt', `A partition of embedding ${ref.code} has ${keyCount} keys on disk in place of ${record.vectorCount}. The slot is rebuilt.`);
  }
  return { keys, payloads };
}

async function restoreIndex(source: IndexSource, ref: PartitionRef, record: PartitionRecord): Promise<RestoredIndex> {
  return (await indexFromCheckpoint(source, ref, record)) ?? indexFromRows(source, ref, record);
}

/** The index, if it has the very ids that the rows have; else one that is built from the rows. */
async function matchingRows(source: IndexSource, ref: PartitionRef, record: PartitionRecord, payloads: PayloadIndex, restored: RestoredIndex): Promise<RestoredIndex> {
  const { index, checkpoint: { taken } } = restored;
  if (source.files === undefined || taken === undefined || hasAll(index, payloads)) return restored;
  await index.drop();
  await forgetCheckpoint(source.store, source.files, ref, taken);
  return indexFromRows(source, ref, record);
}

function hasAll(index: VectorIndex, payloads: PayloadIndex): boolean {
  for (const id of idsOf(payloads.ids(false))) if (!index.has(id)) return false;
  return true;
}

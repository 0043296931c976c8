export { ShardStore, type ScannedVector, type ShardStoreOptions } from './shard-store.ts';
export { StoreBatch } from './store-batch.ts';
export { StoreView, type KeyAndId } from './store-view.ts';
export type { PartitionRef } from './keyspace.ts';
export type { VectorRows } from './vector-rows.ts';
export type { StoredPayload } from './payload-row.ts';
export type { IdempotencyEntry, RepeatableOperation } from './idempotency-record.ts';
export type { DeletingRecord, FreedId, PartitionRecord, RecentOperation, SetAsideRecord, SlotRecord, StoredVector } from './records.ts';
export { STORE_LIMITS } from './limits.ts';

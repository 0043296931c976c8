export { ShardStore, type ScannedVector, type ShardStoreOptions, type VectorRows } from './shard-store.ts';
export { StoreBatch } from './store-batch.ts';
export type { PartitionRef } from './keyspace.ts';
export type { FreedId, PartitionRecord, RecentOperation, SetAsideRecord, SlotRecord, StoredVector } from './records.ts';
export { STORE_LIMITS } from './limits.ts';

/**
 * Where things lie: key -> partition -> slot -> stream and subject. All of it is a pure function of the names, so every
 * gateway and shard agrees without asking. The functions are frozen: a change would orphan data.
 */
import type { EmbeddingCode, Partition, ShardId, Slot, VectorKey } from './ids.ts';

export interface MutationAddress {
  readonly slot: Slot;
  readonly code: EmbeddingCode;
  readonly partition: Partition;
}

const utf8 = new TextEncoder();

/** FNV-1a over bytes (Fowler, Noll, Vo), then the finaliser of MurmurHash3 (Appleby) because FNV's low bits alone mix badly. */
function hashBytes(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The partition that holds a key: hash(key) mod partitions. */
export function partitionOf(key: VectorKey, partitions: number): Partition {
  return (partitions === 1 ? 0 : hashBytes(utf8.encode(key)) % partitions) as Partition;
}

/** The slot of a partition: hash(code, partition) mod slots. The hashed bytes are code (8, big-endian) and partition (2, big-endian). */
export function slotOf(code: EmbeddingCode, partition: Partition, slots: number): Slot {
  const bytes = new Uint8Array(10);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(code));
  view.setUint16(8, partition);
  return (hashBytes(bytes) % slots) as Slot;
}

/** Slots are dealt to streams in contiguous ranges. */
export function streamOf(slot: Slot, slots: number, streams: number): number {
  return Math.floor((slot * streams) / slots);
}

export const SUBJECTS = {
  mutation: (at: MutationAddress): string => `shoal.mut.${at.slot}.${at.code}.${at.partition}`,
  mutationsOfSlot: (slot: Slot): string => `shoal.mut.${slot}.>`,
  /** Reaches any replica of the slot that keeps pace. */
  query: (slot: Slot): string => `shoal.q.${slot}`,
  /** Reaches the replica on one shard. A name may hold dots, which mean something in subjects; no name holds `~`. */
  queryOf: (slot: Slot, shard: ShardId): string => `shoal.q.${slot}.${shard.replaceAll('.', '~')}`,
  shardStatus: 'shoal.status.shard',
  /** Shards that hear it read all rows of slots again. */
  verify: 'shoal.verify',
  metrics: 'shoal.metrics.report',
  /** A gateway that just started asks the others for the last reports of instances that are gone. */
  metricsWanted: 'shoal.metrics.wanted',
} as const;


/**
 * Keys of a shard's store. All numbers are big-endian, so that byte order is number order and a scan yields ascending ids.
 *
 *   key           := partitionKey | slotKey | setAsideKey | headerKey
 *   partitionKey  := family:u8 code:u64 partition:u16 rest
 *     0x01 vectors    rest := vecId:u32                        -> stored vector
 *     0x04 checkpoints rest := "c"                             -> checkpoint record
 *                      rest := "j" operation:u64               -> ids changed by the operations from there on
 *     0x05 graph      rest := "p"                              -> partition record
 *     0x06 idForward  rest := key:utf8                         -> vecId:u32 and the terms of the digest
 *     0x07 idReverse  rest := vecId:u32                        -> key:utf8
 *     0x08 idAlloc    rest := position:u64                     -> freed id and the operation that freed it
 *     0x09 payloads   rest := vecId:u32                        -> JSON text, UTF-8
 *   slotKey       := 0x0a slot:u16 rest
 *     rest := "a"                                              -> slot record (applied sequence, counts)
 *     rest := "d" code:u64 partition:u16                       -> empty: the slot holds this partition
 *     rest := "o" position:u64                                 -> recent operation
 *     rest := "i" idempotencyId:16                             -> idempotency record
 *     rest := "j" position:u64                                 -> idempotency entry: what is forgotten next
 *   setAsideKey   := 0x0b slot:u16 sequence:u64                -> set-aside record
 *   headerKey     := 0x00                                      -> store header
 *
 * Families 0x02 (edges) and 0x03 (codes) are reserved. Numbers are never reused.
 */
import type { EmbeddingCode, OperationId, Partition, Sequence, Slot, VecId, VectorKey } from '@shoal/protocol';

export const FAMILY = {
  header: 0x00,
  vectors: 0x01,
  checkpoints: 0x04,
  graph: 0x05,
  idForward: 0x06,
  idReverse: 0x07,
  idAlloc: 0x08,
  payloads: 0x09,
  slots: 0x0a,
  setAside: 0x0b,
} as const;

/** Families whose keys begin with an embedding code and a partition, and whose rows follow from the log alone. */
export const CONTENT_FAMILIES = [
  FAMILY.vectors,
  FAMILY.graph,
  FAMILY.idForward,
  FAMILY.idReverse,
  FAMILY.idAlloc,
  FAMILY.payloads,
] as const;
/** All families whose keys begin with an embedding code and a partition. */
export const PARTITION_FAMILIES = [...CONTENT_FAMILIES, FAMILY.checkpoints] as const;
type PartitionFamily = (typeof PARTITION_FAMILIES)[number];

export interface PartitionRef {
  readonly code: EmbeddingCode;
  readonly partition: Partition;
}

const PREFIX_BYTES = 11;
const FIELD = { partition: 0x70, applied: 0x61, directory: 0x64, operation: 0x6f, idempotency: 0x69, checkpoint: 0x63, changes: 0x6a, idempotencyEntry: 0x6a } as const;

function partitionPrefix(family: PartitionFamily, ref: PartitionRef, restBytes: number): Buffer {
  const key = Buffer.allocUnsafe(PREFIX_BYTES + restBytes);
  key[0] = family;
  key.writeBigUInt64BE(BigInt(ref.code), 1);
  key.writeUInt16BE(ref.partition, 9);
  return key;
}

function vecIdKey(family: PartitionFamily, ref: PartitionRef, id: VecId): Buffer {
  const key = partitionPrefix(family, ref, 4);
  key.writeUInt32BE(id, PREFIX_BYTES);
  return key;
}

function slotPrefix(slot: Slot, field: number, restBytes: number): Buffer {
  const key = Buffer.allocUnsafe(4 + restBytes);
  key[0] = FAMILY.slots;
  key.writeUInt16BE(slot, 1);
  key[3] = field;
  return key;
}

export const KEYS = {
  header: (): Buffer => Buffer.from([FAMILY.header]),
  vector: (ref: PartitionRef, id: VecId): Buffer => vecIdKey(FAMILY.vectors, ref, id),
  payload: (ref: PartitionRef, id: VecId): Buffer => vecIdKey(FAMILY.payloads, ref, id),
  idReverse: (ref: PartitionRef, id: VecId): Buffer => vecIdKey(FAMILY.idReverse, ref, id),
  idForward(ref: PartitionRef, vectorKey: string): Buffer {
    const rest = Buffer.from(vectorKey, 'utf8');
    const key = partitionPrefix(FAMILY.idForward, ref, rest.length);
    rest.copy(key, PREFIX_BYTES);
    return key;
  },
  freedId(ref: PartitionRef, position: number): Buffer {
    const key = partitionPrefix(FAMILY.idAlloc, ref, 8);
    key.writeBigUInt64BE(BigInt(position), PREFIX_BYTES);
    return key;
  },
  partition(ref: PartitionRef): Buffer {
    const key = partitionPrefix(FAMILY.graph, ref, 1);
    key[PREFIX_BYTES] = FIELD.partition;
    return key;
  },
  checkpoint(ref: PartitionRef): Buffer {
    const key = partitionPrefix(FAMILY.checkpoints, ref, 1);
    key[PREFIX_BYTES] = FIELD.checkpoint;
    return key;
  },
  changes(ref: PartitionRef, fromOperation: number): Buffer {
    const key = partitionPrefix(FAMILY.checkpoints, ref, 9);
    key[PREFIX_BYTES] = FIELD.changes;
    key.writeBigUInt64BE(BigInt(fromOperation), PREFIX_BYTES + 1);
    return key;
  },
  slot: (slot: Slot): Buffer => slotPrefix(slot, FIELD.applied, 0),
  slotPartition(slot: Slot, ref: PartitionRef): Buffer {
    const key = slotPrefix(slot, FIELD.directory, 10);
    key.writeBigUInt64BE(BigInt(ref.code), 4);
    key.writeUInt16BE(ref.partition, 12);
    return key;
  },
  recentOperation(slot: Slot, position: number): Buffer {
    const key = slotPrefix(slot, FIELD.operation, 8);
    key.writeBigUInt64BE(BigInt(position), 4);
    return key;
  },
  idempotency(slot: Slot, id: OperationId): Buffer {
    const key = slotPrefix(slot, FIELD.idempotency, 16);
    key.write(id, 4, 16, 'hex');
    return key;
  },
  idempotencyEntry(slot: Slot, position: number): Buffer {
    const key = slotPrefix(slot, FIELD.idempotencyEntry, 8);
    key.writeBigUInt64BE(BigInt(position), 4);
    return key;
  },
  setAside(slot: Slot, sequence: Sequence): Buffer {
    const key = Buffer.allocUnsafe(11);
    key[0] = FAMILY.setAside;
    key.writeUInt16BE(slot, 1);
    key.writeBigUInt64BE(BigInt(sequence), 3);
    return key;
  },
} as const;

export interface KeyRange {
  readonly gte: Buffer;
  readonly lt: Buffer;
}

/** Every key that begins with the prefix. */
function rangeOf(prefix: Buffer): KeyRange {
  const end = Buffer.from(prefix);
  let last = end.length - 1;
  while (end[last] === 0xff) last -= 1;
  end[last] = (end[last] ?? 0) + 1;
  return { gte: prefix, lt: end.subarray(0, last + 1) };
}

export const RANGES = {
  partition: (family: PartitionFamily, ref: PartitionRef): KeyRange => rangeOf(partitionPrefix(family, ref, 0)),
  /** Keys of callers after one of them, in the order of their bytes. */
  forwardAfter(ref: PartitionRef, afterKey: string | undefined): KeyRange {
    const all = rangeOf(partitionPrefix(FAMILY.idForward, ref, 0));
    // The least key that is greater has one more byte, which is zero.
    return afterKey === undefined ? all : { gte: Buffer.concat([KEYS.idForward(ref, afterKey), Buffer.alloc(1)]), lt: all.lt };
  },
  /** Changes by operations from one on, up to another. */
  changes: (ref: PartitionRef, fromOperation: number, toOperation: number): KeyRange => ({ gte: KEYS.changes(ref, fromOperation), lt: KEYS.changes(ref, toOperation) }),
  payloadsFrom: (ref: PartitionRef, id: VecId): KeyRange => ({ gte: vecIdKey(FAMILY.payloads, ref, id), lt: rangeOf(partitionPrefix(FAMILY.payloads, ref, 0)).lt }),
  /** Every key of a slot's own, without its record ("a") and its list of partitions ("d"). */
  slotButRecordAndPartitions: (slot: Slot): KeyRange[] => [
    { gte: slotPrefix(slot, FIELD.applied + 1, 0), lt: slotPrefix(slot, FIELD.directory, 0) },
    { gte: slotPrefix(slot, FIELD.directory + 1, 0), lt: slotPrefix(slot, 0xff, 0) },
  ],
  slotPartitions: (slot: Slot): KeyRange => rangeOf(slotPrefix(slot, FIELD.directory, 0)),
  recentOperations: (slot: Slot): KeyRange => rangeOf(slotPrefix(slot, FIELD.operation, 0)),
  setAside(slot: Slot): KeyRange {
    return rangeOf(KEYS.setAside(slot, 0 as Sequence).subarray(0, 3));
  },
} as const;

/** The key of the caller at the end of an `idForward` key. */
export function vectorKeyOfKey(key: Buffer): VectorKey {
  return key.toString('utf8', PREFIX_BYTES) as VectorKey;
}

/** The VecId at the end of a `vectors`, `idReverse` or `payloads` key. */
export function vecIdOfKey(key: Buffer): VecId {
  return key.readUInt32BE(PREFIX_BYTES) as VecId;
}

/** The count of operations at the end of a `changes` key. */
export function operationOfChangesKey(key: Buffer): number {
  return Number(key.readBigUInt64BE(PREFIX_BYTES + 1));
}

/** Whether a key of a slot lists one of its partitions. */
export function isSlotPartitionKey(key: Buffer): boolean {
  return key[0] === FAMILY.slots && key[3] === FIELD.directory;
}

/** The partition that a key of a partition's family begins with. */
export function partitionOfKey(key: Buffer): PartitionRef {
  return { code: Number(key.readBigUInt64BE(1)) as EmbeddingCode, partition: key.readUInt16BE(9) as Partition };
}

export function partitionOfSlotKey(key: Buffer): PartitionRef {
  return { code: Number(key.readBigUInt64BE(4)) as EmbeddingCode, partition: key.readUInt16BE(12) as Partition };
}

/** The position at the end of a `recentOperation` key. */
export function positionOfOperationKey(key: Buffer): number {
  return Number(key.readBigUInt64BE(4));
}

/** The position at the end of a `freedId` key. */
export function positionOfFreedKey(key: Buffer): number {
  return Number(key.readBigUInt64BE(PREFIX_BYTES));
}

export function sequenceOfSetAsideKey(key: Buffer): Sequence {
  return Number(key.readBigUInt64BE(3)) as Sequence;
}

/**
 * Bodies of the sealed values. Integers are little-endian.
 *
 *   storedVector    := sequence:u64 timeMs:u64 component:f32 * dim
 *   keyRow          := vecId:u32                                              (version 1)
 *                    | vecId:u32 vectorTerm:u64 payloadTerm:u64               (version 2; terms: content-digest.ts)
 *   freedId         := vecId:u32 freedAtOperation:u64
 *   partitionRecord := JSON {spec, state, nextId, operationCount, vectorCount, freedHead, freedTail, deleting?, digest?}
 *   slotRecord      := JSON {appliedSequence, messageCount, setAsideCount, operationHead, operationTail, idempotencyHead?, idempotencyTail?, digest?}
 *   recentOperation := sequence:u64 operationId:16 outcomes
 *   setAsideRecord  := JSON line {reason, message, timeMs, subject, messageBytes} "\n" raw bytes (at most STORE_LIMITS.setAsideBytes)
 *   header          := JSON {slots}
 */
import { embeddingSpecToJson, parseEmbeddingSpec, type EmbeddingSpec, type ErrorCode, type OperationId, type Sequence, type VecId } from '@shoal/protocol';
import type { RowDigest } from './content-digest.ts';
import { STORE_LIMITS } from './limits.ts';
import { BODY_START, seal, sealBytes, unseal, unsealVersions, unsealed } from './sealed-value.ts';

export interface StoredVector {
  /** Sequence of the message that wrote it. */
  readonly sequence: Sequence;
  readonly timeMs: number;
  readonly values: Float32Array;
}

export interface FreedId {
  readonly id: VecId;
  /** Count of operations of the partition when the id became free. */
  readonly freedAtOperation: number;
}

export interface PartitionRecord {
  readonly spec: EmbeddingSpec;
  /** `dropped` partitions keep their record, so that late writes are told from unknown ones. */
  readonly state: 'active' | 'dropped';
  readonly nextId: number;
  /** Vector operations ever applied; the clock of the grace period of ids. */
  readonly operationCount: number;
  readonly vectorCount: number;
  /** Freed ids wait at the positions [freedHead, freedTail). */
  readonly freedHead: number;
  readonly freedTail: number;
  /** A message that deletes by a filter and is not applied to its end yet. */
  readonly deleting?: DeletingRecord;
  /** Sum of the terms of its vectors and payloads, as 16 hexadecimal digits; absent in records from before there were digests. */
  readonly digest?: string;
}

export interface DeletingRecord {
  readonly sequence: Sequence;
  readonly deletedCount: number;
}

export interface SlotRecord {
  readonly appliedSequence: Sequence;
  readonly messageCount: number;
  readonly setAsideCount: number;
  /** Recent operations lie at the positions [operationHead, operationTail). */
  readonly operationHead: number;
  readonly operationTail: number;
  /** Idempotency entries lie at the positions [idempotencyHead, idempotencyTail); both absent until there is one. */
  readonly idempotencyHead?: number;
  readonly idempotencyTail?: number;
  /** Sum of the digests and terms of its partitions at the applied sequence; absent in records from before there were digests. */
  readonly digest?: string;
}

export interface RecentOperation {
  readonly sequence: Sequence;
  readonly operationId: OperationId;
  /** Encoded outcomes of the message, one per vector operation. */
  readonly outcomes: Uint8Array;
}

export interface SetAsideRecord {
  readonly reason: ErrorCode;
  readonly message: string;
  readonly timeMs: number;
  readonly subject: string;
  /** Size of the whole message; `bytes` may hold only its beginning. */
  readonly messageBytes: number;
  readonly bytes: Uint8Array;
}

export interface HeaderRecord {
  readonly slots: number;
}

export function encodeStoredVector(vector: StoredVector): Buffer {
  const value = unsealed(16 + vector.values.byteLength);
  value.writeBigUInt64LE(BigInt(vector.sequence), BODY_START);
  value.writeBigUInt64LE(BigInt(Math.trunc(vector.timeMs)), BODY_START + 8);
  value.set(new Uint8Array(vector.values.buffer, vector.values.byteOffset, vector.values.byteLength), BODY_START + 16);
  return seal(value);
}

/** Where components begin in the body, behind sequence and time. */
const COMPONENTS_AT = 16;

export function decodeStoredVector(value: Buffer): StoredVector {
  const body = unseal(value, 'vector');
  const components = body.subarray(COMPONENTS_AT);
  // The body may start at any offset, and a Float32Array needs a multiple of four: copy.
  const values = new Float32Array(components.length / 4);
  new Uint8Array(values.buffer).set(components);
  return { sequence: Number(body.readBigUInt64LE(0)) as Sequence, timeMs: Number(body.readBigUInt64LE(8)), values };
}

/** The components alone: what an index that keeps codes alone reads by the dozen for every search. */
export function decodeComponents(value: Buffer): Float32Array {
  const body = unseal(value, 'vector');
  return new Float32Array(body.buffer.slice(body.byteOffset + COMPONENTS_AT, body.byteOffset + body.length) as ArrayBuffer);
}

const KEY_ROW_VERSION = 2;

/** What a key of a caller leads to. */
export interface KeyRow {
  readonly id: VecId;
  /** Absent in rows from before there were digests. */
  readonly digest?: RowDigest;
}

export function encodeKeyRow(id: VecId, digest: RowDigest): Buffer {
  const value = unsealed(20, KEY_ROW_VERSION);
  value.writeUInt32LE(id, BODY_START);
  value.writeBigUInt64LE(digest.vector, BODY_START + 4);
  value.writeBigUInt64LE(digest.payload, BODY_START + 12);
  return seal(value);
}

export function decodeKeyRow(value: Buffer): KeyRow {
  const { version, body } = unsealVersions(value, 'key', KEY_ROW_VERSION);
  const id = body.readUInt32LE(0) as VecId;
  return version === KEY_ROW_VERSION ? { id, digest: { vector: body.readBigUInt64LE(4), payload: body.readBigUInt64LE(12) } } : { id };
}

export function decodeVecId(value: Buffer): VecId {
  return unsealVersions(value, 'key', KEY_ROW_VERSION).body.readUInt32LE(0) as VecId;
}

export function encodeText(text: string): Buffer {
  return sealBytes(Buffer.from(text, 'utf8'));
}

export function decodeText(value: Buffer): string {
  return unseal(value, 'key').toString('utf8');
}

export function encodeFreedId(freed: FreedId): Buffer {
  const value = unsealed(12);
  value.writeUInt32LE(freed.id, BODY_START);
  value.writeBigUInt64LE(BigInt(freed.freedAtOperation), BODY_START + 4);
  return seal(value);
}

export function decodeFreedId(value: Buffer): FreedId {
  const body = unseal(value, 'freed id');
  return { id: body.readUInt32LE(0) as VecId, freedAtOperation: Number(body.readBigUInt64LE(4)) };
}

export function encodeRecentOperation(operation: RecentOperation): Buffer {
  const value = unsealed(24 + operation.outcomes.length);
  value.writeBigUInt64LE(BigInt(operation.sequence), BODY_START);
  value.write(operation.operationId, BODY_START + 8, 16, 'hex');
  value.set(operation.outcomes, BODY_START + 24);
  return seal(value);
}

export function decodeRecentOperation(value: Buffer): RecentOperation {
  const body = unseal(value, 'recent operation');
  return {
    sequence: Number(body.readBigUInt64LE(0)) as Sequence,
    operationId: body.toString('hex', 8, 24) as OperationId,
    outcomes: Uint8Array.from(body.subarray(24)),
  };
}

function encodeJson(value: unknown): Buffer {
  return sealBytes(Buffer.from(JSON.stringify(value), 'utf8'));
}

function decodeJson(value: Buffer, what: string): unknown {
  return JSON.parse(unseal(value, what).toString('utf8'));
}

export function encodePartitionRecord(record: PartitionRecord): Buffer {
  return encodeJson({ ...record, spec: embeddingSpecToJson(record.spec) });
}

export function decodePartitionRecord(value: Buffer): PartitionRecord {
  const record = decodeJson(value, 'partition record') as Omit<PartitionRecord, 'spec'> & { readonly spec: unknown };
  return { ...record, spec: parseEmbeddingSpec(record.spec) };
}

export function encodeSlotRecord(record: SlotRecord): Buffer {
  return encodeJson(record);
}

export function decodeSlotRecord(value: Buffer): SlotRecord {
  return decodeJson(value, 'slot record') as SlotRecord;
}

export function encodeHeader(record: HeaderRecord): Buffer {
  return encodeJson(record);
}

export function decodeHeader(value: Buffer): HeaderRecord {
  return decodeJson(value, 'store header') as HeaderRecord;
}

export function encodeSetAside(record: SetAsideRecord): Buffer {
  const { bytes, ...head } = record;
  const line = Buffer.from(`${JSON.stringify(head)}\n`, 'utf8');
  return sealBytes(Buffer.concat([line, bytes.subarray(0, STORE_LIMITS.setAsideBytes)]));
}

export function decodeSetAside(value: Buffer): SetAsideRecord {
  const body = unseal(value, 'set-aside record');
  const end = body.indexOf(0x0a);
  return { ...(JSON.parse(body.toString('utf8', 0, end)) as Omit<SetAsideRecord, 'bytes'>), bytes: Uint8Array.from(body.subarray(end + 1)) };
}

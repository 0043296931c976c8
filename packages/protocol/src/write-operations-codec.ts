/** The operations of a write message; the grammar stands in mutation-codec.ts. */
import assert from 'node:assert';
import { utf8Bytes } from './byte-writer.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { ByteReader } from './byte-reader.ts';
import type { Sequence } from './ids.ts';
import { readKey } from './key-bytes.ts';
import type { VectorOperation } from './mutation.ts';

const OPERATIONS = { upsert: 1, insert: 2, delete: 3, merge_payload: 4, replace_payload: 5 } as const;
type OperationType = keyof typeof OPERATIONS;
const OPERATION_NAMES: readonly (OperationType | undefined)[] = [undefined, 'upsert', 'insert', 'delete', 'merge_payload', 'replace_payload'];
const VERSION_1_OPERATIONS = 3;
const CONDITIONAL = 1;
/** By version. */
const HEAD_BYTES = { 1: 8, 2: 16 } as const;
type Version = keyof typeof HEAD_BYTES;

/** Whether an operation has something that messages of version 1 have no place for. */
export function saysMoreThanVersion1(operation: VectorOperation): boolean {
  return operation.ifSequence !== undefined || operation.type === 'merge_payload' || operation.type === 'replace_payload';
}

const payloadOf = (operation: VectorOperation): Uint8Array | undefined => (operation.type === 'delete' ? undefined : operation.payload);

/** Bytes that one operation adds to a write message. */
export function encodedOperationBytes(operation: VectorOperation, dim: number, version: Version): number {
  const vectorBytes = 'vector' in operation ? dim * 4 : 0;
  return HEAD_BYTES[version] + vectorBytes + utf8Bytes(operation.key) + (payloadOf(operation)?.byteLength ?? 0);
}

export function operationsBytes(operations: readonly VectorOperation[], dim: number, version: Version): number {
  return operations.reduce((sum, operation) => sum + encodedOperationBytes(operation, dim, version), 0);
}

export function writeOperations(writer: ByteWriter, operations: readonly VectorOperation[], dim: number, version: Version): void {
  const keyBytes = operations.map((operation) => utf8Bytes(operation.key));
  operations.forEach((operation, i) => {
    const payload = payloadOf(operation);
    assert(payload === undefined || payload.byteLength > 0, 'a payload has at least the two bytes of an empty object');
    writer.u8(OPERATIONS[operation.type]);
    writer.u8(operation.ifSequence === undefined ? 0 : CONDITIONAL);
    writer.u16(keyBytes[i] ?? 0);
    writer.u32(payload?.byteLength ?? 0);
    if (version === 2) writer.u64(operation.ifSequence ?? 0);
  });
  for (const operation of operations) {
    if (!('vector' in operation)) continue;
    assert.equal(operation.vector.length, dim, 'every vector of a write has its dimension');
    writer.vector(operation.vector);
  }
  operations.forEach((operation, i) => {
    writer.text(operation.key, keyBytes[i] ?? 0);
    const payload = payloadOf(operation);
    if (payload !== undefined) writer.raw(payload);
  });
}

interface Head {
  readonly operation: OperationType;
  readonly keyBytes: number;
  readonly payloadBytes: number;
  readonly ifSequence: Sequence | undefined;
}

function readHead(body: ByteReader, version: Version): Head {
  const number = body.u8('operation');
  const operation = OPERATION_NAMES[number];
  if (operation === undefined || (version === 1 && number > VERSION_1_OPERATIONS)) throw body.error(`operation ${number} cannot be`, 'operation');
  const flags = body.u8('flags');
  if (flags > (version === 1 ? 0 : CONDITIONAL)) throw body.error(`flags ${flags} cannot be`, 'flags');
  const keyBytes = body.u16('keyBytes');
  const payloadBytes = body.u32('payloadBytes');
  const sequence = version === 1 ? 0 : body.u64('ifSequence');
  if (flags === 0 && sequence !== 0) throw body.error('a sequence is named that does not count', 'ifSequence');
  if (operation === 'delete' && payloadBytes > 0) throw body.error('a delete has a payload', 'payloadBytes');
  if ((operation === 'merge_payload' || operation === 'replace_payload') && payloadBytes === 0) throw body.error('a change of payload has none', 'payloadBytes');
  return { operation, keyBytes, payloadBytes, ifSequence: flags === 0 ? undefined : (sequence as Sequence) };
}

const isPut = ({ operation }: Head): boolean => operation === 'upsert' || operation === 'insert';

export function readOperations(body: ByteReader, count: number, dim: number, version: Version): VectorOperation[] {
  body.need(count * HEAD_BYTES[version], 'count');
  const heads: Head[] = [];
  for (let i = 0; i < count; i++) heads.push(readHead(body, version));
  const putCount = heads.filter(isPut).length;
  body.need(putCount * dim * 4, 'vectors');
  const vectors = body.vector(putCount * dim, 'vectors');
  let vectorStart = 0;
  return heads.map((head): VectorOperation => {
    const key = readKey(body, head.keyBytes);
    const common = head.ifSequence === undefined ? { key } : { key, ifSequence: head.ifSequence };
    if (head.operation === 'delete') return { type: 'delete', ...common };
    const payload = head.payloadBytes === 0 ? undefined : body.raw(head.payloadBytes, 'payload');
    if (head.operation === 'merge_payload' || head.operation === 'replace_payload') {
      return { type: head.operation, ...common, payload: payload ?? new Uint8Array(0) };
    }
    const vector = vectors.subarray(vectorStart, (vectorStart += dim));
    return payload === undefined ? { type: head.operation, ...common, vector } : { type: head.operation, ...common, vector, payload };
  });
}

/**
 * Mutation messages, the contents of the log.
 *
 *     mutation  = "SHLM" version:u8=1 type:u8 partition:u16 code:u64 operationId:16 body crc:u32     (envelope: message-envelope.ts)
 *     type      = 1 define | 2 drop | 3 write
 *     define    = specification as UTF-8 JSON, to the end
 *     drop      = nothing
 *     write     = dim:u32 count:u32 head*count vector*puts text*count
 *     head      = operation:u8 zero:u8 keyBytes:u16 payloadBytes:u32
 *     operation = 1 upsert | 2 insert | 3 delete
 *     vector    = component:f32 * dim, for each upsert and insert in order
 *     text      = key:UTF-8 payload:UTF-8 JSON, for each operation in order
 *
 * A payload of 0 bytes means none, for an empty object has two. Everything before the texts is a multiple of 8 bytes
 * or of 4, so vectors are aligned wherever the message is. The numbers of type and operation are in every log: never
 * change one.
 */
import assert from 'node:assert';
import { utf8Bytes } from './byte-writer.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { ByteReader } from './byte-reader.ts';
import { embeddingSpecToJson, parseEmbeddingSpec } from './embedding-registration.ts';
import type { EmbeddingSpec } from './embedding-spec.ts';
import type { EmbeddingCode, OperationId, Partition } from './ids.ts';
import { readKey } from './key-bytes.ts';
import { LIMITS } from './limits.ts';
import { beginMessage, ENVELOPE_BYTES, openMessage } from './message-envelope.ts';
import type { Mutation, VectorOperation, WriteMutation } from './mutation.ts';
import { ShoalError } from './shoal-error.ts';

const KIND = { magic: 'SHLM', version: 1, subject: 'mutation message' } as const;
const TYPES = { define: 1, drop: 2, write: 3 } as const;
const OPERATIONS = { upsert: 1, insert: 2, delete: 3 } as const;
const OPERATION_ID_BYTES = 16;
const HEAD_BYTES = 8;
/** Envelope, code and operation id. */
const FIXED_BYTES = ENVELOPE_BYTES + 8 + OPERATION_ID_BYTES;
/** Size of a write message without operations. */
export const EMPTY_WRITE_BYTES = FIXED_BYTES + 8;

/** Bytes that one operation adds to a write message. */
export function encodedOperationBytes(operation: VectorOperation, dim: number): number {
  const keyBytes = utf8Bytes(operation.key);
  if (operation.type === 'delete') return HEAD_BYTES + keyBytes;
  return HEAD_BYTES + dim * 4 + keyBytes + (operation.payload?.byteLength ?? 0);
}

/** The message for one mutation. The caller keeps to LIMITS.mutationBytes and LIMITS.mutationOperations; splitWriteOperations does. */
export function encodeMutation(mutation: Mutation): Uint8Array<ArrayBuffer> {
  switch (mutation.type) {
    case 'define': {
      assert.equal(mutation.spec.code, mutation.code, 'a define message is about its own embedding');
      const spec = new TextEncoder().encode(JSON.stringify(embeddingSpecToJson(mutation.spec)));
      const writer = begin(mutation, FIXED_BYTES + spec.byteLength);
      writer.raw(spec);
      return writer.seal();
    }
    case 'drop':
      return begin(mutation, FIXED_BYTES).seal();
    case 'write':
      return encodeWrite(mutation);
  }
}

function begin(mutation: Mutation, sizeBytes: number): ByteWriter {
  assert(sizeBytes <= LIMITS.mutationBytes, 'a mutation message is within its limit');
  const writer = beginMessage(KIND, TYPES[mutation.type], mutation.partition, sizeBytes);
  writer.u64(mutation.code);
  writer.raw(Buffer.from(mutation.operationId, 'hex'));
  return writer;
}

function encodeWrite(mutation: WriteMutation): Uint8Array<ArrayBuffer> {
  const { operations, dim } = mutation;
  assert(operations.length <= LIMITS.mutationOperations, 'a write message has no more operations than allowed');
  const keyBytes = operations.map((operation) => utf8Bytes(operation.key));
  let sizeBytes = EMPTY_WRITE_BYTES;
  for (const operation of operations) sizeBytes += encodedOperationBytes(operation, dim);
  const writer = begin(mutation, sizeBytes);
  writer.u32(dim);
  writer.u32(operations.length);
  operations.forEach((operation, i) => {
    const payload = operation.type === 'delete' ? undefined : operation.payload;
    assert(payload === undefined || payload.byteLength > 0, 'a payload has at least the two bytes of an empty object');
    writer.u8(OPERATIONS[operation.type]);
    writer.u8(0);
    writer.u16(keyBytes[i] ?? 0);
    writer.u32(payload?.byteLength ?? 0);
  });
  for (const operation of operations) {
    if (operation.type === 'delete') continue;
    assert.equal(operation.vector.length, dim, 'every vector of a write has its dimension');
    writer.vector(operation.vector);
  }
  operations.forEach((operation, i) => {
    writer.text(operation.key, keyBytes[i] ?? 0);
    if (operation.type !== 'delete' && operation.payload !== undefined) writer.raw(operation.payload);
  });
  return writer.seal();
}

/**
 * The mutation in a message. Vectors and payloads are views of `bytes` where alignment allows, so the caller leaves
 * `bytes` alone. Components are not inspected: the gateway did, and the checksum speaks for the way from there.
 * Throws `corrupt_message` or `unsupported_version`.
 */
export function decodeMutation(bytes: Uint8Array): Mutation {
  const { type, extra, body } = openMessage(KIND, bytes);
  if (extra >= LIMITS.partitions) throw body.error(`partition ${extra} cannot be`, 'partition');
  const partition = extra as Partition;
  const codeNumber = body.u64('code');
  if (codeNumber === 0) throw body.error('code 0 cannot be', 'code');
  const code = codeNumber as EmbeddingCode;
  const operationId = body.hex(OPERATION_ID_BYTES, 'operationId') as OperationId;
  const head = { operationId, code, partition };
  switch (type) {
    case TYPES.define: {
      const spec = decodeSpec(body);
      if (spec.code !== code) throw body.error('its specification is of another embedding', 'spec.code');
      return { type: 'define', ...head, spec };
    }
    case TYPES.drop:
      body.end();
      return { type: 'drop', ...head };
    case TYPES.write:
      return { type: 'write', ...head, ...decodeWrite(body) };
    default:
      throw body.error(`type ${type} cannot be`, 'type');
  }
}

function decodeSpec(body: ByteReader): EmbeddingSpec {
  const text = body.text(body.remainingBytes, 'spec');
  try {
    return parseEmbeddingSpec(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof ShoalError || cause instanceof SyntaxError) throw body.error('its specification cannot be read', 'spec', cause);
    throw cause;
  }
}

type Operation = keyof typeof OPERATIONS;

interface Head {
  readonly operation: Operation;
  readonly keyBytes: number;
  readonly payloadBytes: number;
}

const OPERATION_NAMES: readonly (Operation | undefined)[] = [undefined, 'upsert', 'insert', 'delete'];

function readHead(body: ByteReader): Head {
  const number = body.u8('operation');
  const operation = OPERATION_NAMES[number];
  if (operation === undefined) throw body.error(`operation ${number} cannot be`, 'operation');
  body.zeros(1, 'operation');
  const keyBytes = body.u16('keyBytes');
  const payloadBytes = body.u32('payloadBytes');
  if (operation === 'delete' && payloadBytes > 0) throw body.error('a delete has a payload', 'payloadBytes');
  return { operation, keyBytes, payloadBytes };
}

function decodeWrite(body: ByteReader): Pick<WriteMutation, 'dim' | 'operations'> {
  const dim = body.u32('dim');
  if (dim === 0 || dim > LIMITS.dim) throw body.error(`dimension ${dim} cannot be`, 'dim');
  const count = body.u32('count');
  body.need(count * HEAD_BYTES, 'count');
  const heads: Head[] = [];
  let putCount = 0;
  for (let i = 0; i < count; i++) {
    const head = readHead(body);
    heads.push(head);
    if (head.operation !== 'delete') putCount += 1;
  }
  body.need(putCount * dim * 4, 'vectors');
  const vectors = body.vector(putCount * dim, 'vectors');
  let vectorStart = 0;
  const operations = heads.map(({ operation, keyBytes, payloadBytes }): VectorOperation => {
    const key = readKey(body, keyBytes);
    if (operation === 'delete') return { type: 'delete', key };
    const vector = vectors.subarray(vectorStart, (vectorStart += dim));
    if (payloadBytes === 0) return { type: operation, key, vector };
    return { type: operation, key, vector, payload: body.raw(payloadBytes, 'payload') };
  });
  body.end();
  return { dim, operations };
}

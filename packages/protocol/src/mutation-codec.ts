/**
 * Mutation messages, the contents of the log.
 *
 *     mutation  = "SHLM" version:u8 type:u8 partition:u16 code:u64 operationId:16 idempotencyId? body crc:u32     (envelope: message-envelope.ts)
 *     version   = 1 | 2, the least that can say it
 *     type      = 1 define | 2 drop | 3 write | 4 declare | 5 delete matching     (4 and 5 in version 2 only)
 *     idempotencyId = 16 bytes, zeros for none     (in version 2 only)
 *     define    = specification as UTF-8 JSON, to the end
 *     drop      = nothing
 *     write     = dim:u32 count:u32 head*count vector*puts text*count
 *     head      = operation:u8 flags:u8 keyBytes:u16 payloadBytes:u32 ifSequence?
 *     operation = 1 upsert | 2 insert | 3 delete | 4 merge payload | 5 replace payload     (4 and 5 in version 2 only)
 *     flags     = bit 0: ifSequence counts; 0 in version 1
 *     ifSequence = u64, 0 unless it counts     (in version 2 only)
 *     vector    = component:f32 * dim, for each upsert and insert in order
 *     text      = key:UTF-8 payload:UTF-8 JSON, for each operation in order
 *     declare   = all declared fields as UTF-8 JSON {name: type}, to the end
 *     delete matching = filterBytes:u32 filter:UTF-8 JSON
 *
 * A payload of 0 bytes means none, for an empty object has two. Everything before the texts is a multiple of 8 bytes
 * or of 4, so vectors are aligned wherever the message is. The numbers of type and operation are in every log: never
 * change one.
 */
import assert from 'node:assert';
import type { ByteWriter } from './byte-writer.ts';
import type { ByteReader } from './byte-reader.ts';
import { embeddingSpecToJson, parseEmbeddingSpec } from './embedding-registration.ts';
import type { EmbeddingSpec } from './embedding-spec.ts';
import type { EmbeddingCode, OperationId, Partition } from './ids.ts';
import { LIMITS } from './limits.ts';
import { beginMessage, ENVELOPE_BYTES, openMessage } from './message-envelope.ts';
import type { Mutation } from './mutation.ts';
import { fieldsToJson, parseDeclaredFields } from './payload-fields.ts';
import type { DeclaredFields } from './payload-fields.ts';
import { ShoalError } from './shoal-error.ts';
import { operationsBytes, readOperations, saysMoreThanVersion1, writeOperations } from './write-operations-codec.ts';

const KIND = { magic: 'SHLM', version: 2, subject: 'mutation message' } as const;
const TYPES = { define: 1, drop: 2, write: 3, declare: 4, delete_matching: 5 } as const;
const OPERATION_ID_BYTES = 16;
const NO_IDEMPOTENCY_ID = '0'.repeat(2 * OPERATION_ID_BYTES);
const utf8 = new TextEncoder();

/** The version that a mutation is written in. */
export type MutationVersion = 1 | 2;

export function mutationVersionOf(mutation: Mutation): MutationVersion {
  switch (mutation.type) {
    case 'define':
    case 'drop':
      return 1;
    case 'write':
      return mutation.idempotencyId !== undefined || mutation.operations.some(saysMoreThanVersion1) ? 2 : 1;
    case 'declare':
    case 'delete_matching':
      return 2;
  }
}

/** Envelope, code and ids. */
const fixedBytes = (version: MutationVersion): number => ENVELOPE_BYTES + 8 + version * OPERATION_ID_BYTES;

/** Size of a write message without operations. */
export const emptyWriteBytes = (version: MutationVersion): number => fixedBytes(version) + 8;

/** The message for one mutation. The caller keeps to LIMITS.mutationBytes and LIMITS.mutationOperations; splitWriteOperations does. */
export function encodeMutation(mutation: Mutation): Uint8Array<ArrayBuffer> {
  const version = mutationVersionOf(mutation);
  switch (mutation.type) {
    case 'define':
      assert.equal(mutation.spec.code, mutation.code, 'a define message is about its own embedding');
      return encodeText(mutation, version, utf8.encode(JSON.stringify(embeddingSpecToJson(mutation.spec))));
    case 'drop':
      return encodeText(mutation, version, new Uint8Array(0));
    case 'declare':
      return encodeText(mutation, version, utf8.encode(JSON.stringify(fieldsToJson(mutation.fields))));
    case 'delete_matching': {
      const writer = begin(mutation, version, fixedBytes(version) + 4 + mutation.filter.byteLength);
      writer.u32(mutation.filter.byteLength);
      writer.raw(mutation.filter);
      return writer.seal();
    }
    case 'write': {
      const { operations, dim } = mutation;
      assert(operations.length <= LIMITS.mutationOperations, 'a write message has no more operations than allowed');
      const writer = begin(mutation, version, emptyWriteBytes(version) + operationsBytes(operations, dim, version));
      writer.u32(dim);
      writer.u32(operations.length);
      writeOperations(writer, operations, dim, version);
      return writer.seal();
    }
  }
}

function encodeText(mutation: Mutation, version: MutationVersion, text: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = begin(mutation, version, fixedBytes(version) + text.byteLength);
  writer.raw(text);
  return writer.seal();
}

function begin(mutation: Mutation, version: MutationVersion, sizeBytes: number): ByteWriter {
  assert(sizeBytes <= LIMITS.mutationBytes, 'a mutation message is within its limit');
  const writer = beginMessage(KIND, TYPES[mutation.type], mutation.partition, sizeBytes, version);
  writer.u64(mutation.code);
  writer.raw(Buffer.from(mutation.operationId, 'hex'));
  if (version === 2) writer.raw(Buffer.from(('idempotencyId' in mutation ? mutation.idempotencyId : undefined) ?? NO_IDEMPOTENCY_ID, 'hex'));
  return writer;
}

/**
 * The mutation in a message. Vectors and payloads are views of `bytes` where alignment allows, so the caller leaves
 * `bytes` alone. Components are not inspected: the gateway did, and the checksum speaks for the way from there.
 * Throws `corrupt_message` or `unsupported_version`.
 */
export function decodeMutation(bytes: Uint8Array): Mutation {
  const { version, type, extra, body } = openMessage(KIND, bytes);
  if (extra >= LIMITS.partitions) throw body.error(`partition ${extra} cannot be`, 'partition');
  const partition = extra as Partition;
  const codeNumber = body.u64('code');
  if (codeNumber === 0) throw body.error('code 0 cannot be', 'code');
  const code = codeNumber as EmbeddingCode;
  const operationId = body.hex(OPERATION_ID_BYTES, 'operationId') as OperationId;
  const idempotencyId = version === 1 ? NO_IDEMPOTENCY_ID : body.hex(OPERATION_ID_BYTES, 'idempotencyId');
  const head = { operationId, code, partition };
  const repeatable = idempotencyId === NO_IDEMPOTENCY_ID ? head : { ...head, idempotencyId: idempotencyId as OperationId };
  const mutation = decodeBody(version as MutationVersion, type, head, repeatable, body);
  if (mutationVersionOf(mutation) !== version) throw body.error(`version ${version} says no more than version 1 can`, 'version');
  if (repeatable !== head && !('idempotencyId' in mutation)) throw body.error('it cannot be repeated, but has an idempotency id', 'idempotencyId');
  return mutation;
}

type Head = Pick<Mutation, 'operationId' | 'code' | 'partition'>;

function decodeBody(version: MutationVersion, type: number, head: Head, repeatable: Head & { readonly idempotencyId?: OperationId }, body: ByteReader): Mutation {
  switch (type) {
    case TYPES.define: {
      const spec = decodeSpec(body);
      if (spec.code !== head.code) throw body.error('its specification is of another embedding', 'spec.code');
      return { type: 'define', ...head, spec };
    }
    case TYPES.drop:
      body.end();
      return { type: 'drop', ...head };
    case TYPES.write:
      return { type: 'write', ...repeatable, ...decodeWrite(body, version) };
    case TYPES.declare:
      return { type: 'declare', ...head, fields: decodeFields(body) };
    case TYPES.delete_matching:
      return { type: 'delete_matching', ...repeatable, filter: decodeFilter(body) };
    default:
      throw body.error(`type ${type} cannot be`, 'type');
  }
}

function decodeWrite(body: ByteReader, version: MutationVersion) {
  const dim = body.u32('dim');
  if (dim === 0 || dim > LIMITS.dim) throw body.error(`dimension ${dim} cannot be`, 'dim');
  const operations = readOperations(body, body.u32('count'), dim, version);
  body.end();
  return { dim, operations };
}

function decodeFilter(body: ByteReader): Uint8Array {
  const filter = body.raw(body.u32('filterBytes'), 'filter');
  body.end();
  return filter;
}

function decodeSpec(body: ByteReader): EmbeddingSpec {
  return parsed(body, 'spec', parseEmbeddingSpec);
}

function decodeFields(body: ByteReader): DeclaredFields {
  return parsed(body, 'fields', parseDeclaredFields);
}

function parsed<Value>(body: ByteReader, field: string, parse: (value: unknown) => Value): Value {
  const text = body.text(body.remainingBytes, field);
  try {
    return parse(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof ShoalError || cause instanceof SyntaxError) throw body.error(`its ${field} cannot be read`, field, cause);
    throw cause;
  }
}

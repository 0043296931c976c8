/**
 * The binary form of a write request, media type application/vnd.shoal.vectors:
 *
 *     body     = "SHV1" count:u32 dim:u32 flags:u32 key*count zeros component:f32*(count*dim) payload*count crc:u32
 *     flags    = bit 0: payloads follow the components; all other bits 0
 *     key      = keyBytes:u16 UTF-8
 *     zeros    = 0 to 3 zero bytes, up to a multiple of 4 from the start
 *     payload  = payloadBytes:u32 UTF-8 JSON of an object; 0 bytes: none; the whole part only with bit 0
 *
 * Numbers are little-endian; `crc` is the CRC-32 (IEEE 802.3, as in zlib) of all bytes before it. The digit of the magic
 * is the version of the form.
 */
import assert from 'node:assert';
import { crc32 } from 'node:zlib';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter, paddingTo4, utf8Bytes } from './byte-writer.ts';
import type { Distance } from './embedding-spec.ts';
import { parseVectorKey } from './ids.ts';
import type { Sequence, VectorKey } from './ids.ts';
import { LIMITS } from './limits.ts';
import type { DeclaredFields } from './payload-fields.ts';
import { parsePayloadText } from './payload.ts';
import { ShoalError } from './shoal-error.ts';
import { checkVector } from './vector-values.ts';

export const VECTOR_BODY_MEDIA_TYPE = 'application/vnd.shoal.vectors';
const MAGIC = 'SHV1';
const HEAD_BYTES = 16;
const WITH_PAYLOADS = 1;

/** One vector of a write request. */
export interface VectorRecord {
  readonly key: VectorKey;
  readonly values: Float32Array;
  /** UTF-8 JSON text of an object. */
  readonly payload?: Uint8Array;
  /** Not in the binary form. */
  readonly ifSequence?: Sequence;
}

/** One vector to encode: a key that need not be parsed yet. */
export type VectorInput = Omit<VectorRecord, 'key' | 'ifSequence'> & { readonly key: string };

/**
 * The body for a list of vectors of dimension `dim`. Throws `invalid_key` or `dimension_mismatch`, naming the vector; payloads are
 * taken as they are (make them with parsePayload), and what else may be wrong the server says.
 */
export function encodeVectorBody(vectors: readonly VectorInput[], dim: number): Uint8Array<ArrayBuffer> {
  const withPayloads = vectors.some(({ payload }) => payload !== undefined);
  let keysBytes = 0;
  let payloadsBytes = 0;
  vectors.forEach(({ key, values, payload }, i) => {
    keysBytes += 2 + utf8Bytes(parseVectorKey(key, `vectors[${i}].key`));
    if (values.length !== dim) {
      const field = `vectors[${i}].values`;
      throw new ShoalError('dimension_mismatch', `${field} has ${values.length} components, others ${dim}.`, { field, limit: dim });
    }
    assert(payload?.byteLength !== 0, 'a payload is absent rather than empty');
    if (withPayloads) payloadsBytes += 4 + (payload?.byteLength ?? 0);
  });
  const beforeValuesBytes = HEAD_BYTES + keysBytes + paddingTo4(HEAD_BYTES + keysBytes);
  const writer = new ByteWriter(beforeValuesBytes + vectors.length * dim * 4 + payloadsBytes + 4);
  writer.text(MAGIC, 4);
  writer.u32(vectors.length);
  writer.u32(dim);
  writer.u32(withPayloads ? WITH_PAYLOADS : 0);
  for (const { key } of vectors) {
    const keyBytes = utf8Bytes(key);
    writer.u16(keyBytes);
    writer.text(key, keyBytes);
  }
  writer.padTo4();
  for (const { values } of vectors) writer.vector(values);
  if (withPayloads) {
    for (const { payload } of vectors) {
      writer.u32(payload?.byteLength ?? 0);
      if (payload !== undefined) writer.raw(payload);
    }
  }
  return writer.seal();
}

interface Head {
  readonly count: number;
  readonly withPayloads: boolean;
}

function readHead(body: ByteReader, dim: number): Head {
  const count = body.u32('count');
  const bodyDim = body.u32('dim');
  const flags = body.u32('flags');
  if (flags > WITH_PAYLOADS) throw body.error(`flags ${flags} cannot be`, 'flags');
  if (bodyDim !== dim) {
    throw new ShoalError('dimension_mismatch', `The body has vectors of ${bodyDim} components; the embedding has dimension ${dim}.`, {
      field: 'dim',
      limit: dim,
    });
  }
  if (count === 0 || count > LIMITS.vectorsPerRequest) {
    throw new ShoalError('invalid_field', `vectors must have 1 to ${LIMITS.vectorsPerRequest} items; the body has ${count}.`, {
      field: 'vectors',
      limit: count === 0 ? 1 : LIMITS.vectorsPerRequest,
    });
  }
  body.need(count * (2 + dim * 4), 'count');
  return { count, withPayloads: flags === WITH_PAYLOADS };
}

function openBody(bytes: Uint8Array): ByteReader {
  const end = bytes.byteLength - 4;
  const body = new ByteReader(bytes, 0, end, 'malformed_body', 'body');
  if (end < HEAD_BYTES) throw body.error('it is shorter than its head', 'size');
  if (body.text(4, 'magic') !== MAGIC) throw body.error(`it does not begin with ${MAGIC}`, 'magic');
  const checksum = new DataView(bytes.buffer, bytes.byteOffset + end, 4).getUint32(0, true);
  if (checksum !== crc32(bytes.subarray(0, end))) throw body.error('its checksum does not fit', 'checksum');
  return body;
}

/** The parts of a body whose framing is whole; their contents are not looked at yet. */
interface Parts {
  readonly keys: readonly string[];
  /** All components, one vector after the other. */
  readonly components: Float32Array;
  /** As many as keys, or none at all. */
  readonly payloads: readonly Uint8Array[];
}

function readParts(body: ByteReader, dim: number): Parts {
  const { count, withPayloads } = readHead(body, dim);
  const keys: string[] = [];
  for (let i = 0; i < count; i++) {
    const field = `vectors[${i}].key`;
    keys.push(body.text(body.u16(field), field));
  }
  body.padTo4('padding');
  const components = body.vector(count * dim, 'values');
  const payloads: Uint8Array[] = [];
  for (let i = 0; i < (withPayloads ? count : 0); i++) {
    const field = `vectors[${i}].payload`;
    payloads.push(body.raw(body.u32(field), field));
  }
  body.end();
  return { keys, components, payloads };
}

/**
 * The vectors of a body for an embedding of dimension `dim`; values are views of `bytes` where aligned. Throws
 * `malformed_body` with the part at fault, `dimension_mismatch`, `invalid_field`, `invalid_key`, `invalid_vector`,
 * `zero_vector`, `payload_too_large` or `invalid_payload_field`. The framing is read to its end first, so that a wrong count is never taken for a wrong key.
 */
export function decodeVectorBody(bytes: Uint8Array, dim: number, distance: Distance, declared: DeclaredFields = []): VectorRecord[] {
  const { keys, components, payloads } = readParts(openBody(bytes), dim);
  return keys.map((text, i): VectorRecord => {
    const key = parseVectorKey(text, `vectors[${i}].key`);
    const values = components.subarray(i * dim, (i + 1) * dim);
    checkVector(values, dim, distance, `vectors[${i}].values`);
    const payload = payloads[i];
    if (payload === undefined || payload.byteLength === 0) return { key, values };
    return { key, values, payload: parsePayloadText(payload, `vectors[${i}].payload`, declared) };
  });
}

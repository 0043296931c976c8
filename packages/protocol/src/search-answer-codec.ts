/** The answer to one search inside a query response; the grammar stands in query-response-codec.ts. */
import assert from 'node:assert';
import { utf8Bytes } from './byte-writer.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { ByteReader } from './byte-reader.ts';
import type { Sequence } from './ids.ts';
import { readKey } from './key-bytes.ts';
import { LIMITS } from './limits.ts';
import { SEARCH_PATH_NAMES, SEARCH_PATH_NUMBERS } from './query-numbers.ts';
import type { SearchAnswer, SearchHit } from './query.ts';

/** Without the status byte, which the response codec writes. */
const HEAD_BYTES = 1 + 2 + 8 + 8;
const HIT_HEAD_BYTES = 16;

export function searchAnswerBytes(answer: SearchAnswer): number {
  let sizeBytes = HEAD_BYTES;
  for (const hit of answer.hits) {
    sizeBytes += HIT_HEAD_BYTES + utf8Bytes(hit.key) + (hit.values?.byteLength ?? 0) + (hit.payload?.byteLength ?? 0);
  }
  return sizeBytes;
}

export function writeSearchAnswer(writer: ByteWriter, answer: SearchAnswer): void {
  writer.u8(SEARCH_PATH_NUMBERS[answer.path]);
  writer.u16(answer.hits.length);
  writer.u64(answer.appliedSequence);
  writer.u64(answer.distanceComputations);
  for (const hit of answer.hits) {
    assert(hit.values?.length !== 0 && hit.payload?.byteLength !== 0, 'values and payload are absent rather than empty');
    writer.f64(hit.distance);
    writer.u32(hit.payload?.byteLength ?? 0);
    writer.u16(utf8Bytes(hit.key));
    writer.u16(hit.values?.length ?? 0);
  }
  for (const hit of answer.hits) {
    if (hit.values !== undefined) writer.vector(hit.values);
  }
  for (const hit of answer.hits) {
    writer.text(hit.key, utf8Bytes(hit.key));
    if (hit.payload !== undefined) writer.raw(hit.payload);
  }
}

interface HitHead {
  readonly distance: number;
  readonly payloadBytes: number;
  readonly keyBytes: number;
  readonly values: Float32Array | undefined;
}

function readPath(body: ByteReader): SearchAnswer['path'] {
  const number = body.u8('path');
  const path = SEARCH_PATH_NAMES[number];
  if (path === undefined || path === 'auto') throw body.error(`path ${number} cannot be`, 'path');
  return path;
}

function readHitHeads(body: ByteReader, hitCount: number): HitHead[] {
  body.need(hitCount * HIT_HEAD_BYTES, 'hits');
  const heads: { distance: number; payloadBytes: number; keyBytes: number; dim: number; values: Float32Array | undefined }[] = [];
  for (let i = 0; i < hitCount; i++) {
    const distance = body.f64('distance');
    const payloadBytes = body.u32('payloadBytes');
    const keyBytes = body.u16('keyBytes');
    const dim = body.u16('dim');
    if (dim > LIMITS.dim) throw body.error(`dimension ${dim} cannot be`, 'dim');
    heads.push({ distance, payloadBytes, keyBytes, dim, values: undefined });
  }
  for (const head of heads) {
    if (head.dim > 0) head.values = body.vector(head.dim, 'values');
  }
  return heads;
}

export function readSearchAnswer(body: ByteReader): SearchAnswer {
  const path = readPath(body);
  const hitCount = body.u16('hits');
  const appliedSequence = body.u64('appliedSequence') as Sequence;
  const distanceComputations = body.u64('distanceComputations');
  const hits: SearchHit[] = [];
  for (const { distance, payloadBytes, keyBytes, values } of readHitHeads(body, hitCount)) {
    const key = readKey(body, keyBytes);
    const payload = payloadBytes === 0 ? undefined : body.raw(payloadBytes, 'payload');
    hits.push({ key, distance, ...(values === undefined ? {} : { values }), ...(payload === undefined ? {} : { payload }) });
  }
  return { ok: true, appliedSequence, path, distanceComputations, hits };
}

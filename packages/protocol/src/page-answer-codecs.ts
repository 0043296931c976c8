/** The answers to counts and scrolls inside a query response; the grammar stands in query-response-codec.ts. */
import assert from 'node:assert';
import { utf8Bytes } from './byte-writer.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { ByteReader } from './byte-reader.ts';
import type { Sequence } from './ids.ts';
import { readKey } from './key-bytes.ts';
import { LIMITS } from './limits.ts';
import type { CountAnswer, ScrollAnswer, ScrolledVector } from './query.ts';

// Sizes are without the status byte, which the response codec writes.
const COUNT_BYTES = 3 + 8 + 8;
const SCROLL_HEAD_BYTES = 1 + 2 + 8 + 2 + 2;
const VECTOR_HEAD_BYTES = 16;

export function countAnswerBytes(): number {
  return COUNT_BYTES;
}

export function writeCountAnswer(writer: ByteWriter, answer: CountAnswer): void {
  writer.zeros(3);
  writer.u64(answer.appliedSequence);
  writer.u64(answer.count);
}

export function readCountAnswer(body: ByteReader): CountAnswer {
  body.zeros(3, 'status');
  const appliedSequence = body.u64('appliedSequence') as Sequence;
  return { ok: true, appliedSequence, count: body.u64('count') };
}

export function scrollAnswerBytes({ vectors, scannedTo }: ScrollAnswer): number {
  let sizeBytes = SCROLL_HEAD_BYTES + utf8Bytes(scannedTo ?? '');
  for (const { key, values, payload } of vectors) sizeBytes += VECTOR_HEAD_BYTES + utf8Bytes(key) + (values?.byteLength ?? 0) + (payload?.byteLength ?? 0);
  return sizeBytes;
}

export function writeScrollAnswer(writer: ByteWriter, { appliedSequence, vectors, scannedTo }: ScrollAnswer): void {
  const scannedBytes = utf8Bytes(scannedTo ?? '');
  writer.zeros(1);
  writer.u16(vectors.length);
  writer.u64(appliedSequence);
  writer.u16(scannedBytes);
  writer.zeros(2);
  for (const { key, sequence, values, payload } of vectors) {
    assert(values?.length !== 0 && payload?.byteLength !== 0, 'values and payload are absent rather than empty');
    writer.u64(sequence);
    writer.u32(payload?.byteLength ?? 0);
    writer.u16(utf8Bytes(key));
    writer.u16(values?.length ?? 0);
  }
  for (const { values } of vectors) {
    if (values !== undefined) writer.vector(values);
  }
  for (const { key, payload } of vectors) {
    writer.text(key, utf8Bytes(key));
    if (payload !== undefined) writer.raw(payload);
  }
  writer.text(scannedTo ?? '', scannedBytes);
}

export function readScrollAnswer(body: ByteReader): ScrollAnswer {
  body.zeros(1, 'vectors');
  const vectorCount = body.u16('vectors');
  const appliedSequence = body.u64('appliedSequence') as Sequence;
  const scannedBytes = body.u16('scannedBytes');
  body.zeros(2, 'scannedBytes');
  body.need(vectorCount * VECTOR_HEAD_BYTES, 'vectors');
  const heads = Array.from({ length: vectorCount }, () => readVectorHead(body));
  const valuesOf = heads.map(({ dim }) => (dim === 0 ? undefined : body.vector(dim, 'values')));
  const vectors = heads.map(({ sequence, payloadBytes, keyBytes }, index): ScrolledVector => {
    const values = valuesOf[index];
    const key = readKey(body, keyBytes);
    const payload = payloadBytes === 0 ? {} : { payload: body.raw(payloadBytes, 'payload') };
    return { key, sequence, ...(values === undefined ? {} : { values }), ...payload };
  });
  return { ok: true, appliedSequence, vectors, ...(scannedBytes === 0 ? {} : { scannedTo: readKey(body, scannedBytes) }) };
}

function readVectorHead(body: ByteReader) {
  const sequence = body.u64('sequence') as Sequence;
  const payloadBytes = body.u32('payloadBytes');
  const keyBytes = body.u16('keyBytes');
  const dim = body.u16('dim');
  if (dim > LIMITS.dim) throw body.error(`dimension ${dim} cannot be`, 'dim');
  return { sequence, payloadBytes, keyBytes, dim };
}

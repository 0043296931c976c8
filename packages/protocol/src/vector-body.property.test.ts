import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { VectorKey } from './ids.ts';
import { LIMITS } from './limits.ts';
import { key, payload } from './testing/arbitraries.ts';
import { misaligned, resealed, testDamageIsRefused } from './testing/damage.ts';
import { refusalOf } from './testing/refusals.ts';
import { sampleVectors } from './testing/samples.ts';
import { decodeVectorBody, encodeVectorBody } from './vector-body.ts';
import type { VectorRecord } from './vector-body.ts';

const component = fc.float({ min: -1000, max: 1000, noNaN: true }).filter((value) => Math.abs(value) > 1e-6);
const records = fc.integer({ min: 1, max: 9 }).chain((dim) =>
  fc.record({
    dim: fc.constant(dim),
    vectors: fc.array(
      fc.tuple(key, fc.array(component, { minLength: dim, maxLength: dim }), fc.option(payload, { nil: undefined })).map(
        ([name, values, text]): VectorRecord => ({ key: name, values: Float32Array.from(values), ...(text === undefined ? {} : { payload: text }) }),
      ),
      { minLength: 1, maxLength: 10 },
    ),
  }),
);

const sample = encodeVectorBody(sampleVectors, 3);
const decode = (bytes: Uint8Array): VectorRecord[] => decodeVectorBody(bytes, 3, 'cosine');
const setU32 = (at: number, value: number) => (bytes: Uint8Array) => new DataView(bytes.buffer).setUint32(at, value, true);

describe('the binary write form', () => {
  test('decodes to what was encoded, aligned or not', () => {
    fc.assert(
      fc.property(records, ({ dim, vectors }) => {
        const bytes = encodeVectorBody(vectors, dim);
        expect(decodeVectorBody(bytes, dim, 'cosine')).toEqual(vectors);
        expect(decodeVectorBody(misaligned(bytes), dim, 'l2')).toEqual(vectors);
      }),
    );
  });

  test('refuses vectors of another dimension, on both sides', () => {
    const mismatch = { code: 'dimension_mismatch', limit: 4 };
    expect(refusalOf(() => decodeVectorBody(sample, 4, 'l2'))).toEqual({ ...mismatch, field: 'dim' });
    expect(refusalOf(() => encodeVectorBody(sampleVectors, 4))).toEqual({ ...mismatch, field: 'vectors[0].values' });
  });

  test('names the vector whose key, components or payload are at fault', () => {
    const [first] = sampleVectors;
    if (first === undefined) throw new Error('the sample has vectors');
    const body = (second: Partial<VectorRecord>): Uint8Array => encodeVectorBody([first, { ...first, ...second }], 3);
    expect(refusalOf(() => body({ key: '' as VectorKey }))).toEqual({ code: 'invalid_key', field: 'vectors[1].key' });
    expect(refusalOf(() => decode(body({ values: Float32Array.of(1, Number.NaN, 1) })))).toEqual({ code: 'invalid_vector', field: 'vectors[1].values[1]' });
    expect(refusalOf(() => decode(body({ values: new Float32Array(3) })))).toEqual({ code: 'zero_vector', field: 'vectors[1].values' });
    expect(refusalOf(() => decode(body({ payload: Uint8Array.of(0x5b, 0x5d) })))).toEqual({ code: 'invalid_field', field: 'vectors[1].payload' });
    const large = new Uint8Array(LIMITS.payloadBytes + 1).fill(0x20);
    expect(refusalOf(() => decode(body({ payload: large })))).toEqual({ code: 'payload_too_large', field: 'vectors[1].payload', limit: LIMITS.payloadBytes });
  });

  test('refuses an empty key and a key that is not UTF-8', () => {
    // The two bytes of the key become padding when its length becomes 0, so the framing stays whole.
    const short = encodeVectorBody([{ key: 'ab', values: Float32Array.of(1, 2, 3) }], 3);
    expect(refusalOf(() => decode(resealed(short, (bytes) => bytes.fill(0, 16, 20))))).toEqual({ code: 'invalid_key', field: 'vectors[0].key' });
    expect(refusalOf(() => decode(resealed(sample, (bytes) => (bytes[18] = 0xff))))).toEqual({ code: 'malformed_body', field: 'vectors[0].key' });
  });

  test('names the part of a malformed body', () => {
    const field = (bytes: Uint8Array): unknown => refusalOf(() => decode(bytes));
    expect(field(sample.subarray(0, 10))).toEqual({ code: 'malformed_body', field: 'size' });
    expect(field(sample.subarray(0, sample.byteLength - 1))).toEqual({ code: 'malformed_body', field: 'checksum' });
    expect(field(resealed(sample, setU32(0, 0)))).toEqual({ code: 'malformed_body', field: 'magic' });
    for (const count of [1, 3]) expect(field(resealed(sample, setU32(4, count)))).toMatchObject({ code: 'malformed_body' });
    expect(field(resealed(sample, setU32(4, LIMITS.vectorsPerRequest)))).toEqual({ code: 'malformed_body', field: 'count' });
    expect(field(resealed(sample, setU32(12, 2)))).toEqual({ code: 'malformed_body', field: 'flags' });
    expect(field(resealed(sample, setU32(12, 0)))).toEqual({ code: 'malformed_body', field: 'end' });
  });

  test('bounds the number of vectors', () => {
    const limit = LIMITS.vectorsPerRequest;
    expect(refusalOf(() => decode(resealed(sample, setU32(4, 0))))).toEqual({ code: 'invalid_field', field: 'vectors', limit: 1 });
    expect(refusalOf(() => decode(resealed(sample, setU32(4, limit + 1))))).toEqual({ code: 'invalid_field', field: 'vectors', limit });
    expect(refusalOf(() => decode(resealed(sample, setU32(4, 0xffff_ffff))))).toEqual({ code: 'invalid_field', field: 'vectors', limit });
  });

  testDamageIsRefused({
    messages: [sample],
    decode,
    code: 'malformed_body',
    resealedCodes: ['malformed_body', 'dimension_mismatch', 'invalid_field', 'invalid_key', 'invalid_vector', 'zero_vector', 'payload_too_large'],
  });
});

/** The bodies of writes, searches and deletes, and receipts: what is accepted, and what is said of what is not. */
import { describe, expect, test } from 'vitest';
import { parseDeleteRequest } from './delete-request.ts';
import type { Sequence, Slot } from './ids.ts';
import { DEFAULTS, LIMITS } from './limits.ts';
import { mergeReceipts, parseReceipt, receiptToJson } from './receipt.ts';
import { parseSearchRequest } from './search-request.ts';
import { refusalOf } from './testing/refusals.ts';
import { parseWriteLines, parseWriteOptions, parseWriteRequest } from './write-request.ts';
import type { VectorSpace } from './write-request.ts';

const space: VectorSpace = { dim: 2, distance: 'cosine' };
const vector = { key: 'a', values: [1, 2] };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a write', () => {
  test('has vectors in order, with defaults for the rest', () => {
    const request = parseWriteRequest({ vectors: [vector, { key: 'b', values: [3, 4], payload: { x: 1 } }, { key: 'a', values: [5, 6] }] }, space);
    expect(request).toEqual({
      mode: 'upsert',
      wait: 'logged',
      vectors: [
        { key: 'a', values: Float32Array.of(1, 2) },
        { key: 'b', values: Float32Array.of(3, 4), payload: bytes('{"x":1}') },
        { key: 'a', values: Float32Array.of(5, 6) },
      ],
    });
    expect(parseWriteRequest({ vectors: [vector], mode: 'insert', wait: 'applied' }, space)).toMatchObject({ mode: 'insert', wait: 'applied' });
  });

  test.each([
    [{ vectors: [vector], extra: 1 }, { code: 'unknown_field', field: 'extra' }],
    [{ vectors: [vector, { ...vector, id: 1 }] }, { code: 'unknown_field', field: 'vectors[1].id' }],
    [{}, { code: 'missing_field', field: 'vectors' }],
    [{ vectors: [{ values: [1, 2] }] }, { code: 'missing_field', field: 'vectors[0].key' }],
    [{ vectors: [{ key: 'a' }] }, { code: 'missing_field', field: 'vectors[0].values' }],
    [{ vectors: {} }, { code: 'invalid_field', field: 'vectors' }],
    [{ vectors: [] }, { code: 'invalid_field', field: 'vectors', limit: 1 }],
    [{ vectors: [7] }, { code: 'invalid_field', field: 'vectors[0]' }],
    [{ vectors: [vector], mode: 'update' }, { code: 'invalid_field', field: 'mode' }],
    [{ vectors: [vector], wait: true }, { code: 'invalid_field', field: 'wait' }],
    [{ vectors: [{ ...vector, key: '' }] }, { code: 'invalid_key', field: 'vectors[0].key' }],
    [{ vectors: [{ ...vector, payload: null }] }, { code: 'invalid_field', field: 'vectors[0].payload' }],
    [{ vectors: [{ ...vector, ifSequence: -1 }] }, { code: 'invalid_field', field: 'vectors[0].ifSequence', limit: 0 }],
    [{ vectors: [vector, { ...vector, values: [1] }] }, { code: 'dimension_mismatch', field: 'vectors[1].values', limit: 2 }],
    [{ vectors: [vector, { ...vector, values: [1, 'x'] }] }, { code: 'invalid_vector', field: 'vectors[1].values[1]' }],
    [{ vectors: [{ ...vector, values: [0, 0] }] }, { code: 'zero_vector', field: 'vectors[0].values' }],
  ])('refuses %j', (body, refusal) => {
    expect(refusalOf(() => parseWriteRequest(body, space))).toEqual(refusal);
  });

  test('is bounded in vectors', () => {
    const vectors = Array.from({ length: LIMITS.vectorsPerRequest + 1 }, () => vector);
    expect(refusalOf(() => parseWriteRequest({ vectors }, space))).toEqual({ code: 'invalid_field', field: 'vectors', limit: LIMITS.vectorsPerRequest });
    expect(parseWriteRequest({ vectors: vectors.slice(1) }, space).vectors.length).toBe(LIMITS.vectorsPerRequest);
  });
});

describe('a write as lines', () => {
  const options = parseWriteOptions({ wait: 'applied' });

  test('is the same write, with or without blank lines, returns and a last newline', () => {
    const lines = ['{"key":"a","values":[1,2]}', '{"key":"b","values":[3,4],"payload":{"x":1}}'];
    const expected = { ...parseWriteRequest({ vectors: lines.map((line) => JSON.parse(line) as unknown) }, space), wait: 'applied' };
    for (const text of [lines.join('\n'), `${lines.join('\n')}\n`, `\n  \n${lines.join('\r\n\r\n')}\r\n`]) {
      expect(parseWriteLines(bytes(text), options, space)).toEqual(expected);
    }
  });

  test('names the vector at fault', () => {
    const good = '{"key":"a","values":[1,2]}';
    const refuse = (text: string) => refusalOf(() => parseWriteLines(bytes(text), options, space));
    expect(refuse(`${good}\n\n{"key":`)).toEqual({ code: 'malformed_json', field: 'vectors[1]' });
    expect(refuse(`${good}\n{"key":"b","values":[1]}`)).toEqual({ code: 'dimension_mismatch', field: 'vectors[1].values', limit: 2 });
    expect(refuse(`${good}\n[]`)).toEqual({ code: 'invalid_field', field: 'vectors[1]' });
    expect(refuse('\n')).toEqual({ code: 'invalid_field', field: 'vectors', limit: 1 });
    expect(refuse(`${good}\n`.repeat(LIMITS.vectorsPerRequest + 1))).toEqual({ code: 'invalid_field', field: 'vectors', limit: LIMITS.vectorsPerRequest });
    expect(refusalOf(() => parseWriteLines(Uint8Array.of(0xff), options, space))).toEqual({ code: 'malformed_body', field: 'body' });
  });

  test('takes its options from the query string', () => {
    expect(parseWriteOptions({})).toEqual({ mode: 'upsert', wait: 'logged' });
    expect(parseWriteOptions({ mode: 'insert' })).toEqual({ mode: 'insert', wait: 'logged' });
    expect(refusalOf(() => parseWriteOptions({ mod: 'insert' }))).toEqual({ code: 'unknown_field', field: 'mod' });
  });
});

describe('a search', () => {
  const fields = [{ name: 'score', type: 'float' }, { name: 'year', type: 'integer' }] as const;
  const parse = (body: unknown) => parseSearchRequest(body, { ...space, fields }, 64);

  test('has defaults for everything but the query and k', () => {
    expect(parse({ vector: [1, 2], k: 5 })).toEqual({
      query: { type: 'vector', vector: Float32Array.of(1, 2) },
      k: 5,
      ef: DEFAULTS.ef,
      path: 'auto',
      rerank: DEFAULTS.rerank,
      after: new Map(),
      includeValues: false,
      includePayload: false,
      timeoutMs: DEFAULTS.searchTimeoutMs,
      allowPartial: false,
      offset: 0,
    });
  });

  test('keeps what it is given', () => {
    const options = { k: 3, ef: 50, path: 'flat', rerank: 4, timeoutMs: 100, allowPartial: true, offset: 2, maxDistance: 0.5 };
    expect(parse({ vectors: [[1, 2], [3, 4]], ...options, after: { '17': 9 }, include: ['payload', 'values'] })).toEqual({
      ...options,
      query: { type: 'vectors', vectors: [Float32Array.of(1, 2), Float32Array.of(3, 4)] },
      after: new Map([[17, 9]]),
      includeValues: true,
      includePayload: true,
    });
    expect(parse({ key: 'a', k: 1 }).query).toEqual({ type: 'key', key: 'a' });
  });

  test('raises ef to k', () => {
    expect(parse({ key: 'a', k: 500 }).ef).toBe(500);
    expect(parse({ key: 'a', k: 50, ef: 10 }).ef).toBe(50);
    expect(parse({ key: 'a', k: 50, ef: 60 }).ef).toBe(60);
    expect(parse({ key: 'a', k: 50, ef: 60, offset: 20 }).ef).toBe(70);
  });

  test.each([
    [{ k: 5 }, { code: 'missing_field', field: 'vector' }],
    [{ key: 'a' }, { code: 'missing_field', field: 'k' }],
    [{ key: 'a', vector: [1, 2], k: 5 }, { code: 'invalid_field', field: 'key' }],
    [{ vector: [1, 2], vectors: [[1, 2]], k: 5 }, { code: 'invalid_field', field: 'vectors' }],
    [{ key: 'a', k: 0 }, { code: 'invalid_field', field: 'k', limit: 1 }],
    [{ key: 'a', k: LIMITS.k + 1 }, { code: 'invalid_field', field: 'k', limit: LIMITS.k }],
    [{ key: 'a', k: 2.5 }, { code: 'invalid_field', field: 'k', limit: LIMITS.k }],
    [{ key: 'a', k: 5, ef: -1 }, { code: 'invalid_field', field: 'ef', limit: 1 }],
    [{ key: 'a', k: 5, ef: LIMITS.ef + 1 }, { code: 'invalid_field', field: 'ef', limit: LIMITS.ef }],
    [{ key: 'a', k: 5, rerank: 0 }, { code: 'invalid_field', field: 'rerank', limit: 1 }],
    [{ key: 'a', k: 5, path: 'fast' }, { code: 'invalid_field', field: 'path' }],
    [{ key: 'a', k: 5, timeoutMs: LIMITS.timeoutMs + 1 }, { code: 'invalid_field', field: 'timeoutMs', limit: LIMITS.timeoutMs }],
    [{ key: 'a', k: 5, allowPartial: 1 }, { code: 'invalid_field', field: 'allowPartial' }],
    [{ key: 'a', k: 5, include: ['vector'] }, { code: 'invalid_field', field: 'include[0]' }],
    [{ key: 'a', k: 5, include: 'values' }, { code: 'invalid_field', field: 'include' }],
    [{ key: 'a', k: 5, after: { '64': 1 } }, { code: 'invalid_field', field: 'after.64', limit: 63 }],
    [{ key: 'a', k: 5, filter: {} }, { code: 'missing_field', field: 'filter' }],
    [{ key: 'a', k: 5, filter: { field: 'x', equals: 1 } }, { code: 'field_not_declared', field: 'filter.field' }],
    [{ key: 'a', k: 5, groupBy: { field: 'x' } }, { code: 'field_not_declared', field: 'groupBy.field' }],
    [{ key: 'a', k: 5, groupBy: { field: 'year', size: 0 } }, { code: 'invalid_field', field: 'groupBy.size', limit: 1 }],
    [{ key: 'a', k: 5, groupBy: { field: 'score' } }, { code: 'invalid_field', field: 'groupBy.field' }],
    [{ key: 'a', k: 101, groupBy: { field: 'year' } }, { code: 'invalid_field', field: 'k', limit: LIMITS.groups }],
    [{ key: 'a', k: 5, offset: 1, groupBy: { field: 'year' } }, { code: 'invalid_field', field: 'offset' }],
    [{ vectors: [[1, 2]], k: 5, groupBy: { field: 'year' } }, { code: 'invalid_field', field: 'vectors' }],
    [{ key: 'a', k: 500, offset: 501 }, { code: 'invalid_field', field: 'offset', limit: LIMITS.k }],
    [{ key: 'a', k: 5, offset: -1 }, { code: 'invalid_field', field: 'offset', limit: 0 }],
    [{ key: 'a', k: 5, maxDistance: '1' }, { code: 'invalid_field', field: 'maxDistance' }],
    [{ key: '', k: 5 }, { code: 'invalid_key', field: 'key' }],
    [{ vector: [1], k: 5 }, { code: 'dimension_mismatch', field: 'vector', limit: 2 }],
    [{ vector: [1, null], k: 5 }, { code: 'invalid_vector', field: 'vector[1]' }],
    [{ vectors: [[1, 2], [0, 0]], k: 5 }, { code: 'zero_vector', field: 'vectors[1]' }],
    [{ vectors: [], k: 5 }, { code: 'invalid_field', field: 'vectors', limit: 1 }],
    [[], { code: 'malformed_body', field: 'body' }],
  ])('refuses %j', (body, refusal) => {
    expect(refusalOf(() => parse(body))).toEqual(refusal);
  });

  test('is bounded in queries', () => {
    const vectors = Array.from({ length: LIMITS.queriesPerRequest + 1 }, () => [1, 2]);
    expect(refusalOf(() => parse({ vectors, k: 1 }))).toEqual({ code: 'invalid_field', field: 'vectors', limit: LIMITS.queriesPerRequest });
  });
});

describe('a delete', () => {
  test('has keys in order', () => {
    expect(parseDeleteRequest({ keys: ['b', 'a', 'b'] })).toEqual({ keys: ['b', 'a', 'b'], wait: 'logged' });
    expect(parseDeleteRequest({ keys: ['b'], wait: 'applied' }).wait).toBe('applied');
  });

  test.each([
    [{}, { code: 'missing_field', field: 'keys' }],
    [{ keys: [] }, { code: 'invalid_field', field: 'keys', limit: 1 }],
    [{ keys: 'a' }, { code: 'invalid_field', field: 'keys' }],
    [{ keys: ['a', 7] }, { code: 'invalid_key', field: 'keys[1]' }],
    [{ keys: ['a'], filter: {} }, { code: 'invalid_field', field: 'filter' }],
    [{ filter: {} }, { code: 'missing_field', field: 'filter' }],
    [{ keys: Array.from({ length: LIMITS.keysPerRequest + 1 }, () => 'a') }, { code: 'invalid_field', field: 'keys', limit: LIMITS.keysPerRequest }],
  ])('refuses %j', (body, refusal) => {
    expect(refusalOf(() => parseDeleteRequest(body))).toEqual(refusal);
  });
});

describe('a receipt', () => {
  const receipt = (...entries: [number, number][]) => new Map(entries as unknown as [Slot, Sequence][]);

  test('comes back from its JSON form', () => {
    const given = receipt([17, 4711], [0, 1], [63, Number.MAX_SAFE_INTEGER]);
    expect(parseReceipt(JSON.parse(JSON.stringify(receiptToJson(given))), 64)).toEqual(given);
    expect(receiptToJson(receipt([17, 4711]))).toEqual({ '17': 4711 });
  });

  test.each([
    [null, { field: 'after' }],
    [[], { field: 'after' }],
    [{ x: 1 }, { field: 'after.x', limit: 63 }],
    [{ '01': 1 }, { field: 'after.01', limit: 63 }],
    [{ '64': 1 }, { field: 'after.64', limit: 63 }],
    [{ '-1': 1 }, { field: 'after.-1', limit: 63 }],
    [{ '1': 0 }, { field: 'after.1', limit: 1 }],
    [{ '1': '7' }, { field: 'after.1', limit: Number.MAX_SAFE_INTEGER }],
    [{ '1': 1.5 }, { field: 'after.1', limit: Number.MAX_SAFE_INTEGER }],
  ])('refuses %j', (value, refusal) => {
    expect(refusalOf(() => parseReceipt(value, 64))).toEqual({ code: 'invalid_field', ...refusal });
  });

  test('is bounded in slots', () => {
    const many = Object.fromEntries(Array.from({ length: LIMITS.receiptSlots + 1 }, (_, slot) => [slot, 1]));
    expect(refusalOf(() => parseReceipt(many, 2_000))).toEqual({ code: 'invalid_field', field: 'after', limit: LIMITS.receiptSlots });
  });

  test('merged has the highest sequence of each slot', () => {
    expect(mergeReceipts([receipt([1, 5], [2, 7]), receipt(), receipt([2, 6], [3, 1]), receipt([1, 9])])).toEqual(receipt([1, 9], [2, 7], [3, 1]));
    expect(mergeReceipts([])).toEqual(receipt());
  });
});

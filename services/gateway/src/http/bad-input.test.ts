import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS, VECTOR_BODY_MEDIA_TYPE, encodeVectorBody, type ErrorCode, type Problem, type SearchResponse } from '@shoal/protocol';
import { GatewayFixture, ROOT_KEY } from '../testing/gateway-fixture.ts';

interface Expected {
  readonly code: ErrorCode;
  readonly status: number;
  readonly field?: string;
  readonly limit?: number;
}

let fixture: GatewayFixture;
let messageCount: number;

beforeAll(async () => {
  fixture = await GatewayFixture.start();
  await fixture.call('POST', '/v1/embeddings', { name: 'points', model: 'm', dim: 2, distance: 'l2', partitions: 2 });
  await fixture.call('POST', '/v1/embeddings', { name: 'angles', model: 'm', dim: 2, distance: 'cosine' });
  await fixture.call('POST', '/v1/embeddings/points/vectors', { vectors: [{ key: 'origin', values: [0, 0] }], wait: 'applied' });
});
afterAll(() => fixture.close());
beforeEach(() => {
  messageCount = fixture.bus.log.messages.length;
});

function expectProblem(answer: Awaited<ReturnType<GatewayFixture['call']>>, { code, status, field, limit }: Expected): void {
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  const problem = answer.json<Problem>();
  expect(problem).toMatchObject({ code, status, retryable: false, type: `urn:shoal:error:${code}` });
  expect(answer.status).toBe(status);
  expect(problem.field).toBe(field);
  expect(problem.limit).toBe(limit);
  expect(problem.requestId).toBe(answer.headers.get('x-request-id'));
  expect(problem.detail.length).toBeGreaterThan(10);
}

/** The request is refused as expected, nothing was published, and the server serves on. */
async function refuses(method: string, path: string, body: unknown, expected: Expected, headers?: { readonly [name: string]: string }): Promise<void> {
  expectProblem(await fixture.call(method, path, body, headers), expected);
  expect(fixture.bus.log.messages.length).toBe(messageCount);
  const after = await fixture.call('POST', '/v1/embeddings/points/search', { vector: [0, 0], k: 1 });
  expect(after.json<SearchResponse>().results).toEqual([{ key: 'origin', distance: 0 }]);
}

const WRITE = '/v1/embeddings/points/vectors';
const SEARCH = '/v1/embeddings/points/search';
const good = { key: 'good', values: [1, 1] };
const vectors = (...bad: readonly unknown[]) => ({ vectors: [good, ...bad] });

describe('a write is refused as a whole for', () => {
  const cases: readonly (readonly [string, unknown, Expected])[] = [
    ['a wrong dimension', vectors({ key: 'x', values: [1, 2, 3] }), { code: 'dimension_mismatch', status: 400, field: 'vectors[1].values', limit: 2 }],
    ['an empty vector', vectors({ key: 'x', values: [] }), { code: 'dimension_mismatch', status: 400, field: 'vectors[1].values', limit: 2 }],
    ['a null component', vectors({ key: 'x', values: [1, null] }), { code: 'invalid_vector', status: 400, field: 'vectors[1].values[1]' }],
    ['a text component', vectors({ key: 'x', values: ['1', 2] }), { code: 'invalid_vector', status: 400, field: 'vectors[1].values[0]' }],
    ['an infinite component', '{"vectors":[{"key":"x","values":[1e400,0]}]}', { code: 'invalid_vector', status: 400, field: 'vectors[0].values[0]' }],
    ['a component beyond float32', vectors({ key: 'x', values: [1e39, 0] }), { code: 'invalid_vector', status: 400, field: 'vectors[1].values[0]' }],
    ['the word NaN', '{"vectors":[{"key":"x","values":[NaN,0]}]}', { code: 'malformed_json', status: 400, field: 'body' }],
    ['an empty key', vectors({ key: '', values: [1, 2] }), { code: 'invalid_key', status: 400, field: 'vectors[1].key' }],
    ['a key of 513 bytes', vectors({ key: 'é'.repeat(256) + 'x', values: [1, 2] }), { code: 'invalid_key', status: 400, field: 'vectors[1].key', limit: LIMITS.keyBytes }],
    ['a key that is a number', vectors({ key: 7, values: [1, 2] }), { code: 'invalid_key', status: 400, field: 'vectors[1].key' }],
    ['a missing key', vectors({ values: [1, 2] }), { code: 'missing_field', status: 400, field: 'vectors[1].key' }],
    ['missing values', vectors({ key: 'x' }), { code: 'missing_field', status: 400, field: 'vectors[1].values' }],
    ['an unknown field of a vector', vectors({ key: 'x', values: [1, 2], vector: [1, 2] }), { code: 'unknown_field', status: 400, field: 'vectors[1].vector' }],
    ['an unknown field of the body', { vectors: [good], upsert: true }, { code: 'unknown_field', status: 400, field: 'upsert' }],
    ['a __proto__ field', '{"__proto__":{"vectors":[]},"vectors":[{"key":"x","values":[1,2]}]}', { code: 'unknown_field', status: 400, field: '__proto__' }],
    ['no vectors', { vectors: [] }, { code: 'invalid_field', status: 400, field: 'vectors', limit: 1 }],
    ['a payload that is a list', vectors({ key: 'x', values: [1, 2], payload: [] }), { code: 'invalid_field', status: 400, field: 'vectors[1].payload' }],
    ['a payload beyond the limit', vectors({ key: 'x', values: [1, 2], payload: { t: 'x'.repeat(LIMITS.payloadBytes) } }), { code: 'payload_too_large', status: 400, field: 'vectors[1].payload', limit: LIMITS.payloadBytes }],
    ['an unknown mode', { vectors: [good], mode: 'replace' }, { code: 'invalid_field', status: 400, field: 'mode' }],
    ['a list as body', [good], { code: 'malformed_body', status: 400, field: 'body' }],
  ];
  it.each(cases)('%s', (_name, body, expected) => refuses('POST', WRITE, body, expected));

  it('a zero vector under cosine', () =>
    refuses('POST', '/v1/embeddings/angles/vectors', { vectors: [{ key: 'z', values: [0, 0] }] }, { code: 'zero_vector', status: 400, field: 'vectors[0].values' }));

  it('more vectors than allowed', () =>
    refuses('POST', WRITE, { vectors: Array.from({ length: LIMITS.vectorsPerRequest + 1 }, () => good) }, { code: 'invalid_field', status: 400, field: 'vectors', limit: LIMITS.vectorsPerRequest }));

  it('JSON that breaks off, naming the position', async () => {
    const answer = await fixture.call('POST', WRITE, '{"vectors": [\n {"key": "a", "values": [1,');
    expectProblem(answer, { code: 'malformed_json', status: 400, field: 'body' });
    expect(answer.json<Problem>().detail).toContain('position 41 (line 2, column 28)');
  });

  it('bytes that are no UTF-8', () =>
    refuses('POST', WRITE, Uint8Array.from([0x22, 0xff, 0x22]), { code: 'malformed_json', status: 400, field: 'body' }));

  it('an unknown query parameter', () =>
    refuses('POST', `${WRITE}?wiat=applied`, { vectors: [good] }, { code: 'unknown_field', status: 400, field: 'wiat' }));
});

describe('a binary write is refused for', () => {
  const headers = { 'content-type': VECTOR_BODY_MEDIA_TYPE };
  const body = encodeVectorBody([{ key: 'a', values: Float32Array.of(1, 2) }, { key: 'b', values: Float32Array.of(3, 4) }], 2);

  it('every truncation', async () => {
    for (let length = 0; length < body.byteLength; length += 7) {
      const answer = await fixture.call('POST', WRITE, body.subarray(0, length), headers);
      expect(answer.json<Problem>(), `truncated to ${length} bytes`).toMatchObject({ code: 'malformed_body', status: 400 });
    }
    expect(fixture.bus.log.messages.length).toBe(messageCount);
  });

  it('a changed byte', () => {
    const changed = Uint8Array.from(body);
    changed[30] = (changed[30] ?? 0) ^ 1;
    return refuses('POST', WRITE, changed, { code: 'malformed_body', status: 400, field: 'checksum' }, headers);
  });

  it('bytes after its end', () =>
    refuses('POST', WRITE, Buffer.concat([body, Buffer.from([0])]), { code: 'malformed_body', status: 400, field: 'checksum' }, headers));

  it('a wrong dimension', () =>
    refuses('POST', WRITE, encodeVectorBody([{ key: 'a', values: Float32Array.of(1, 2, 3) }], 3), { code: 'dimension_mismatch', status: 400, field: 'dim', limit: 2 }, headers));

  it('NaN', () =>
    refuses('POST', WRITE, encodeVectorBody([{ key: 'a', values: Float32Array.of(1, NaN) }], 2), { code: 'invalid_vector', status: 400, field: 'vectors[0].values[1]' }, headers));
});

describe('a body of lines is refused for', () => {
  const headers = { 'content-type': 'application/x-ndjson' };

  it('a line that is no JSON', () =>
    refuses('POST', WRITE, '{"key":"a","values":[1,2]}\n{"key":', { code: 'malformed_json', status: 400, field: 'vectors[1]' }, headers));

  it('a bad vector in a later line', () =>
    refuses('POST', WRITE, '{"key":"a","values":[1,2]}\n\n{"key":"b","values":[1]}', { code: 'dimension_mismatch', status: 400, field: 'vectors[1].values', limit: 2 }, headers));

  it('a route that takes JSON only', () =>
    refuses('POST', SEARCH, '{"vector":[1,2],"k":1}', { code: 'unsupported_media_type', status: 415, field: 'content-type' }, headers));
});

describe('a search is refused for', () => {
  const cases: readonly (readonly [string, unknown, Expected])[] = [
    ['k = 0', { vector: [1, 2], k: 0 }, { code: 'invalid_field', status: 400, field: 'k', limit: 1 }],
    ['k beyond the limit', { vector: [1, 2], k: LIMITS.k + 1 }, { code: 'invalid_field', status: 400, field: 'k', limit: LIMITS.k }],
    ['a broken k', { vector: [1, 2], k: 1.5 }, { code: 'invalid_field', status: 400, field: 'k', limit: LIMITS.k }],
    ['no k', { vector: [1, 2] }, { code: 'missing_field', status: 400, field: 'k' }],
    ['a negative ef', { vector: [1, 2], k: 1, ef: -1 }, { code: 'invalid_field', status: 400, field: 'ef', limit: 1 }],
    ['an ef beyond the limit', { vector: [1, 2], k: 1, ef: LIMITS.ef + 1 }, { code: 'invalid_field', status: 400, field: 'ef', limit: LIMITS.ef }],
    ['an unknown field', { vector: [1, 2], k: 1, limit: 3 }, { code: 'unknown_field', status: 400, field: 'limit' }],
    ['a wrong dimension', { vector: [1], k: 1 }, { code: 'dimension_mismatch', status: 400, field: 'vector', limit: 2 }],
    ['a wrong dimension in a batch', { vectors: [[1, 2], [1]], k: 1 }, { code: 'dimension_mismatch', status: 400, field: 'vectors[1]', limit: 2 }],
    ['vector and key at once', { vector: [1, 2], key: 'a', k: 1 }, { code: 'invalid_field', status: 400, field: 'key' }],
    ['nothing to search for', { k: 1 }, { code: 'missing_field', status: 400, field: 'vector' }],
    ['rerank over the limit', { vector: [1, 2], k: 1, rerank: 65 }, { code: 'invalid_field', status: 400, field: 'rerank', limit: 64 }],
    ['a receipt with an unknown slot', { vector: [1, 2], k: 1, after: { 8: 1 } }, { code: 'invalid_field', status: 400, field: 'after.8', limit: 7 }],
    ['a receipt that is a number', { vector: [1, 2], k: 1, after: 7 }, { code: 'invalid_field', status: 400, field: 'after' }],
    ['a deadline beyond the limit', { vector: [1, 2], k: 1, timeoutMs: LIMITS.timeoutMs + 1 }, { code: 'invalid_field', status: 400, field: 'timeoutMs', limit: LIMITS.timeoutMs }],
    ['a key that is not there', { key: 'nobody', k: 1 }, { code: 'vector_not_found', status: 404, field: 'key' }],
  ];
  it.each(cases)('%s', (_name, body, expected) => refuses('POST', SEARCH, body, expected));

  it('a zero vector under cosine', () =>
    refuses('POST', '/v1/embeddings/angles/search', { vector: [0, 0], k: 1 }, { code: 'zero_vector', status: 400, field: 'vector' }));

  it('an answer beyond all bounds', async () => {
    await fixture.call('POST', '/v1/embeddings', { name: 'wide', model: 'wide', dim: 2, distance: 'l2', partitions: 1024 });
    messageCount = fixture.bus.log.messages.length;
    await refuses('POST', '/v1/embeddings/wide/search', { vectors: Array.from({ length: 200 }, () => [1, 2]), k: 1 }, { code: 'invalid_field', status: 400, field: 'vectors', limit: 16_384 });
  });
});

describe('a registration is refused for', () => {
  const cases: readonly (readonly [string, unknown, Expected])[] = [
    ['no model', { dim: 2, distance: 'l2' }, { code: 'missing_field', status: 400, field: 'model' }],
    ['dimension 0', { model: 'x', dim: 0, distance: 'l2' }, { code: 'invalid_field', status: 400, field: 'dim', limit: 1 }],
    ['a dimension beyond the limit', { model: 'x', dim: LIMITS.dim + 1, distance: 'l2' }, { code: 'invalid_field', status: 400, field: 'dim', limit: LIMITS.dim }],
    ['an unknown distance', { model: 'x', dim: 2, distance: 'hamming' }, { code: 'invalid_field', status: 400, field: 'distance' }],
    ['a bad name', { name: 'Not OK', model: 'x', dim: 2, distance: 'l2' }, { code: 'invalid_field', status: 400, field: 'name', limit: LIMITS.nameChars }],
    ['an unknown field', { model: 'x', dim: 2, distance: 'l2', metric: 'l2' }, { code: 'unknown_field', status: 400, field: 'metric' }],
    ['a taken name', { name: 'points', model: 'other', dim: 2, distance: 'l2' }, { code: 'name_taken', status: 409, field: 'name' }],
    ['other parameters', { model: 'm', dim: 2, distance: 'l2', partitions: 3 }, { code: 'spec_conflict', status: 409, field: 'partitions' }],
    ['another name for the same embedding', { name: 'points2', model: 'm', dim: 2, distance: 'l2' }, { code: 'spec_conflict', status: 409, field: 'name' }],
  ];
  it.each(cases)('%s', (_name, body, expected) => refuses('POST', '/v1/embeddings', body, expected));
});

describe('a request is refused for', () => {
  it('no key', async () => {
    const response = await fetch(`${fixture.gateway.url}/v1/embeddings`);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await response.json()).toMatchObject({ code: 'unauthorized', field: 'authorization' });
  });

  it.each([['a wrong key', `Bearer ${ROOT_KEY}x`], ['another scheme', `Basic ${ROOT_KEY}`], ['an empty key', 'Bearer ']])('%s', (_name, authorization) =>
    refuses('GET', '/v1/embeddings', undefined, { code: 'unauthorized', status: 401, field: 'authorization' }, { authorization }));

  it('no key, however the path is written', async () => {
    for (const path of ['/%761/embeddings', '/v%31/cluster', '/v1/embeddings/points/vectors/origin']) {
      expect((await fetch(fixture.gateway.url + path)).status, path).toBe(401);
    }
  });

  it('an unknown route', () => refuses('GET', '/v1/embedings', undefined, { code: 'route_not_found', status: 404, field: 'path' }));
  it('an unknown route, named with a path of bearable length', async () => {
    const answer = await fixture.call('GET', `/v3/${'x'.repeat(300)}?secret=1`);
    expect(answer.json<{ detail: string }>().detail).toBe(`There is no route GET /v3/${'x'.repeat(96)}…; /openapi.json lists those that there are.`);
  });
  it('an unknown route with a body', () => refuses('POST', '/v2/x', 'whatever', { code: 'route_not_found', status: 404, field: 'path' }, { 'content-type': 'text/plain' }));

  it('a wrong method, naming the right ones', async () => {
    const answer = await fixture.call('PUT', '/v1/embeddings/points', { any: 'thing' });
    expectProblem(answer, { code: 'method_not_allowed', status: 405, field: 'method' });
    expect(answer.headers.get('allow')).toBe('DELETE, GET, HEAD');
    await refuses('GET', SEARCH, undefined, { code: 'method_not_allowed', status: 405, field: 'method' });
    await refuses('DELETE', '/openapi.json', undefined, { code: 'method_not_allowed', status: 405, field: 'method' });
  });

  it('a wrong method, to whoever may use a right one', async () => {
    const { key } = (await fixture.call('POST', '/v1/keys', { role: 'read' })).json<{ key: string }>();
    const bearer = { authorization: `Bearer ${key}` };
    expectProblem(await fixture.call('PUT', '/v1/embeddings/points', { any: 'thing' }, bearer), { code: 'method_not_allowed', status: 405, field: 'method' });
    expectProblem(await fixture.call('PUT', '/v1/tenants', { any: 'thing' }, bearer), { code: 'forbidden', status: 403 });
    expectProblem(await fixture.call('PUT', '/v1/embeddings/points', { any: 'thing' }, { authorization: 'Bearer nothing' }), { code: 'unauthorized', status: 401, field: 'authorization' });
  });

  it('an alias of an embedding that there is not, naming the field of the body', () => refuses('PUT', '/v1/aliases/other', { embedding: 'nothing' }, { code: 'embedding_not_found', status: 404, field: 'embedding' }));
  it('a delete that says not which vectors', () => refuses('POST', '/v1/embeddings/points/delete', {}, { code: 'missing_field', status: 400, field: 'keys' }));

  it('a wrong content type', () =>
    refuses('POST', SEARCH, 'vector=1', { code: 'unsupported_media_type', status: 415, field: 'content-type' }, { 'content-type': 'application/x-www-form-urlencoded' }));
  it('an unreadable content type', () =>
    refuses('POST', SEARCH, '{}', { code: 'unsupported_media_type', status: 415, field: 'content-type' }, { 'content-type': 'json' }));
  it('a compressed body', () =>
    refuses('POST', SEARCH, '{}', { code: 'unsupported_media_type', status: 415, field: 'content-encoding' }, { 'content-encoding': 'gzip' }));

  it('a body without content type', async () => {
    const response = await fetch(fixture.gateway.url + SEARCH, { method: 'POST', headers: { authorization: `Bearer ${ROOT_KEY}` }, body: Buffer.from('{}') });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({ code: 'unsupported_media_type' });
  });

  it('a missing body', () => refuses('POST', SEARCH, undefined, { code: 'malformed_json', status: 400, field: 'body' }));
  it('an empty JSON body', () => refuses('POST', SEARCH, '  ', { code: 'malformed_json', status: 400, field: 'body' }));

  it('an unknown embedding', async () => {
    const expected: Expected = { code: 'embedding_not_found', status: 404, field: 'name' };
    await refuses('POST', '/v1/embeddings/nothing/search', { vector: [1, 2], k: 1 }, expected);
    await refuses('POST', '/v1/embeddings/nothing/vectors', vectors(), expected);
    await refuses('DELETE', '/v1/embeddings/nothing', undefined, expected);
    await refuses('GET', '/v1/embeddings/NOT%20A%20NAME', undefined, expected);
  });

  it('an unknown vector', () => refuses('GET', `${WRITE}/nobody`, undefined, { code: 'vector_not_found', status: 404, field: 'key' }));
  it('a key in the path that is too long', () =>
    refuses('GET', `${WRITE}/${'x'.repeat(LIMITS.keyBytes + 1)}`, undefined, { code: 'invalid_key', status: 400, field: 'key', limit: LIMITS.keyBytes }));
  it('a path that is no percent-encoding', () => refuses('GET', `${WRITE}/%ff`, undefined, { code: 'invalid_field', status: 400, field: 'path' }));
  it('a receipt in the query string that is no JSON', () =>
    refuses('GET', `${WRITE}/origin?after=17`, undefined, { code: 'invalid_field', status: 400, field: 'after' }));
});

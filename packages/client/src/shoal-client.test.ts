import { VECTOR_BODY_MEDIA_TYPE } from '@shoal/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ShoalClient } from './shoal-client.ts';
import { startFakeShoal, type FakeShoal } from './testing/fake-shoal.ts';

let fake: FakeShoal;
let client: ShoalClient;
beforeEach(async () => {
  fake = await startFakeShoal();
  client = new ShoalClient({ url: `${fake.url}/`, apiKey: 'secret' });
});
afterEach(async () => {
  await fake.close();
});

test('an embedding is registered, listed, described and dropped', async () => {
  const { handle, description } = await client.register({ name: 'plants', model: 'm', dim: 2, distance: 'l2' });
  expect(description).toMatchObject({ name: 'plants', dim: 2, distance: 'l2', partitions: 1 });
  expect((await client.embeddings()).map((embedding) => embedding.name)).toEqual(['plants']);
  await handle.upsert([{ key: 'a', values: [1, 2] }]);
  expect((await handle.describe()).stats.vectorCount).toBe(1);
  await handle.drop();
  await expect(handle.describe()).rejects.toMatchObject({ name: 'ShoalClientError', code: 'embedding_not_found', origin: 'server', httpStatus: 404 });
  expect(fake.requests.every((request) => request.headers.authorization === 'Bearer secret')).toBe(true);
});

test('float32 vectors travel in the binary form with their payloads, numbers as JSON, and both read back the same', async () => {
  const { handle } = await client.register({ name: 'e', model: 'm', dim: 3, distance: 'dot' });
  const values = Float32Array.of(0.1, -2, 3e7);
  await handle.upsert([{ key: 'bin/ä 1', values, payload: { note: 'ü', n: [1, null] } }, { key: 'bare', values }], { wait: 'applied' });
  await handle.insert([{ key: 'json', values: [...values], payload: { b: true } }], { wait: 'applied' });
  const writes = fake.requests.filter((request) => request.url.includes('/vectors'));
  expect(writes.map((request) => [request.headers['content-type'], request.url])).toEqual([
    [VECTOR_BODY_MEDIA_TYPE, '/v1/embeddings/e/vectors?wait=applied'],
    ['application/json', '/v1/embeddings/e/vectors'],
  ]);
  expect(await handle.get('bin/ä 1')).toEqual({ key: 'bin/ä 1', values, payload: { note: 'ü', n: [1, null] } });
  expect(await handle.get('bare')).toEqual({ key: 'bare', values });
  expect(await handle.get('json')).toEqual({ key: 'json', values, payload: { b: true } });
  expect(await handle.get('absent')).toBeUndefined();
});

test('insert leaves what exists and says so, upsert replaces it', async () => {
  const { handle } = await client.register({ name: 'e', model: 'm', dim: 1, distance: 'l2' });
  await handle.upsert([{ key: 'a', values: [1] }]);
  const inserted = await handle.insert([{ key: 'a', values: [2] }, { key: 'b', values: [3] }], { wait: 'applied' });
  expect(inserted.outcomes).toEqual([{ key: 'a', outcome: 'exists' }, { key: 'b', outcome: 'created' }]);
  expect([...((await handle.get('a'))?.values ?? [])]).toEqual([1]);
  const replaced = await handle.upsert([{ key: 'a', values: [2] }], { wait: 'applied' });
  expect(replaced).toEqual({ accepted: 1, receipt: { 3: 3 }, outcomes: [{ key: 'a', outcome: 'replaced' }] });
});

test('deletes report what they found', async () => {
  const { handle } = await client.register({ name: 'e', model: 'm', dim: 1, distance: 'l2' });
  await handle.upsert([{ key: 'a', values: [1] }]);
  expect((await handle.delete(['a', 'b'], { wait: 'applied' })).outcomes).toEqual([{ key: 'a', outcome: 'deleted' }, { key: 'b', outcome: 'absent' }]);
  expect(await handle.get('a')).toBeUndefined();
});

test('searches by vector, by key and by many vectors return the nearest first, with what was asked for', async () => {
  const { handle } = await client.register({ name: 'e', model: 'm', dim: 1, distance: 'l2' });
  await handle.upsert([1, 5, 6].map((value) => ({ key: `k${value}`, values: Float32Array.of(value), payload: { value } })));
  const byVector = await handle.search({ vector: Float32Array.of(5.25), k: 2, include: ['values', 'payload'] });
  expect(byVector.hits).toEqual([
    { key: 'k5', distance: 0.25, values: Float32Array.of(5), payload: { value: 5 } },
    { key: 'k6', distance: 0.75, values: Float32Array.of(6), payload: { value: 6 } },
  ]);
  expect(byVector.path).toBe('flat');
  expect((await handle.search({ key: 'k1', k: 3, ef: 10, path: 'exact' })).hits.map((hit) => hit.key)).toEqual(['k1', 'k5', 'k6']);
  const many = await handle.searchMany({ vectors: [[1], Float32Array.of(6)], k: 1 });
  expect(many.results).toEqual([[{ key: 'k1', distance: 0 }], [{ key: 'k6', distance: 0 }]]);
  await expect(handle.search({ key: 'none', k: 1 })).rejects.toMatchObject({ code: 'vector_not_found' });
});

test('waiting until applied searches with the receipt and asks again while it is not reached', async () => {
  const { handle } = await client.register({ name: 'e', model: 'm', dim: 2, distance: 'cosine' });
  const { receipt } = await handle.upsert([{ key: 'a', values: [1, 0] }]);
  let refusals = 2;
  fake.faultBefore = (request) => {
    if (!request.url.endsWith('/search') || refusals === 0) return undefined;
    refusals -= 1;
    return { status: 504, body: JSON.stringify({ code: 'receipt_timeout', retryable: true, detail: 'not yet' }) };
  };
  await handle.waitUntilApplied(receipt);
  const searches = fake.requests.filter((request) => request.url.endsWith('/search'));
  expect(searches.length).toBe(3);
  expect(JSON.parse(String(searches.at(-1)?.body))).toMatchObject({ after: receipt });
});

test('a problem keeps its code, field, limit and request id', async () => {
  const { handle } = await client.register({ name: 'e', model: 'm', dim: 2, distance: 'l2' });
  await expect(handle.upsert([{ key: 'a', values: [1, 2] }, { key: 'b', values: [1] }])).rejects.toMatchObject({
    code: 'dimension_mismatch',
    field: 'vectors[1].values',
    limit: 2,
    retryable: false,
    requestId: 'req-2',
  });
});

test('cluster, health and readiness', async () => {
  expect((await client.cluster()).shards.map((shard) => shard.shard)).toEqual(['fake']);
  await client.health();
  expect(await client.ready()).toBe(true);
  let refusals = 2;
  fake.faultBefore = () => (refusals-- > 0 ? { status: 503, body: JSON.stringify({ code: 'not_ready', detail: 'starting', retryable: true }) } : undefined);
  expect(await client.ready()).toBe(false);
  await client.waitUntilReady();
  expect(await client.ready()).toBe(true);
});

test('waiting until ready ends at its deadline', async () => {
  await fake.close();
  const late = new ShoalClient({ url: fake.url, wait: async () => {}, now: steps(400) });
  await expect(late.waitUntilReady({ timeoutMs: 2_000 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
});

test("the caller's signal ends the waiting with its own reason", async () => {
  await fake.close();
  const controller = new AbortController();
  const waiting = client.waitUntilReady({ signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 50);
  await expect(waiting).rejects.toThrow('enough');
});

/** A clock that goes on by a step with every look. */
function steps(stepMs: number): () => number {
  let nowMs = 0;
  return () => (nowMs += stepMs);
}

test.each([
  [{ url: 'ftp://x' }, 'url'],
  [{ url: 'nonsense' }, 'url'],
  [{ url: 'http://user:pass@x' }, 'url'],
  [{ url: 'http://x', apiKey: 'a b' }, 'apiKey'],
  [{ url: 'http://x', timeoutMs: 0 }, 'timeoutMs'],
  [{ url: 'http://x', retries: 1.5 }, 'retries'],
])('options %j are refused', (options, field) => {
  expect(() => new ShoalClient(options)).toThrow(expect.objectContaining({ code: 'invalid_field', field }));
});

test.each(['.', '..', 'a/b'])('the key %j travels whole', async (key) => {
  await client.embedding('e').get(key).catch(() => undefined);
  const url = new URL(fake.requests[0]?.url ?? '', 'http://x');
  expect(url.searchParams.get('key') ?? decodeURIComponent(url.pathname.slice('/v1/embeddings/e/vectors/'.length))).toBe(key);
});

test.each(['', 'x'.repeat(513)])('the key %j cannot be fetched', async (key) => {
  await expect(client.embedding('e').get(key)).rejects.toMatchObject({ code: 'invalid_key' });
  expect(fake.requests).toEqual([]);
});

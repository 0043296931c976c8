import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseEmbeddingCode, parsePartition, parseVectorKey, partitionOf, slotOf, type Hit, type Problem, type SearchResponse, type WriteResponse } from '@shoal/protocol';
import { flatDistance } from '../testing/flat-shard.ts';
import { GatewayFixture } from '../testing/gateway-fixture.ts';

const DIM = 8;
const COUNT = 300;
const SEED = Number(process.env['SHOAL_TEST_SEED'] ?? 20_260_101);

/** Mulberry32 (Tommy Ettinger): a small seeded generator of numbers in [-1, 1). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

const random = randomOf(SEED);
const randomVector = (): number[] => Array.from({ length: DIM }, () => Math.fround(random()));
const data = new Map(Array.from({ length: COUNT }, (_, index) => [`key/${index}`, randomVector()]));
const EMBEDDINGS = [{ name: 'l2', distance: 'l2', partitions: 5 }, { name: 'cosine', distance: 'cosine', partitions: 3 }, { name: 'dot', distance: 'dot', partitions: 1 }] as const;

function nearest(distance: 'l2' | 'cosine' | 'dot', query: readonly number[], k: number): Hit[] {
  const all = [...data].map(([key, values]) => ({ key, distance: flatDistance(distance, Float32Array.from(query), Float32Array.from(values)) }));
  return all.sort((a, b) => a.distance - b.distance || (a.key < b.key ? -1 : 1)).slice(0, k);
}

let fixture: GatewayFixture;
let receipt: WriteResponse['receipt'];
beforeAll(async () => {
  fixture = await GatewayFixture.start(16);
  for (const { name, distance, partitions } of EMBEDDINGS) {
    await fixture.call('POST', '/v1/embeddings', { name, model: 'm', dim: DIM, distance, partitions });
    const vectors = [...data].map(([key, values]) => ({ key, values, payload: { of: key } }));
    const written = await fixture.call('POST', `/v1/embeddings/${name}/vectors`, { vectors, wait: 'applied' });
    if (name === 'l2') ({ receipt } = written.json<WriteResponse>());
  }
});
afterAll(() => fixture.close());
afterEach(() => {
  fixture.shard.failures.clear();
  fixture.shard.resume();
});

const slotOfPartition = (partition: number) => slotOf(parseEmbeddingCode(1), parsePartition(partition), 16);
const search = (name: string, body: object) => fixture.call('POST', `/v1/embeddings/${name}/search`, body);

describe(`searches (seed ${SEED})`, () => {
  it.each(EMBEDDINGS)('find what comparing with everything finds: $name over $partitions partitions', async ({ name, distance }) => {
    for (const k of [1, 10, 100, 1000]) {
      const query = randomVector();
      const { results, path, distanceComputations, partial } = (await search(name, { vector: query, k })).json<SearchResponse>();
      expect(results).toEqual(nearest(distance, query, k));
      expect({ path, distanceComputations, partial }).toEqual({ path: 'flat', distanceComputations: COUNT, partial: undefined });
    }
  });

  it('answer a batch query by query, in its order', async () => {
    const queries = Array.from({ length: 200 }, randomVector);
    const { results } = (await search('l2', { vectors: queries, k: 3 })).json<SearchResponse>();
    expect(results).toEqual(queries.map((query) => nearest('l2', query, 3)));
  });

  it('start from a stored vector', async () => {
    const { results } = (await search('cosine', { key: 'key/17', k: 4 })).json<SearchResponse>();
    expect(results).toEqual(nearest('cosine', data.get('key/17') ?? [], 4));
  });

  it('return values and payloads when asked', async () => {
    const [hit] = (await search('l2', { key: 'key/5', k: 1, include: ['values', 'payload'] })).json<SearchResponse>().results as readonly Hit[];
    expect(hit).toEqual({ key: 'key/5', distance: 0, values: data.get('key/5'), payload: { of: 'key/5' } });
  });

  it('pass k, ef and path on, and wait in any case for the definition', async () => {
    fixture.shard.receivedSearches.length = 0;
    await search('dot', { vector: randomVector(), k: 7, ef: 3, path: 'flat', timeoutMs: 5_000 });
    const [message] = fixture.shard.receivedSearches;
    expect(message?.items[0]).toMatchObject({ k: 7, ef: 7, path: 'flat', rerank: 0, includeValues: false });
    expect(message?.items[0]?.after).toBeGreaterThan(0);
    expect(message?.items[0]?.timeoutMs).toBeLessThanOrEqual(5_000);
  });
});

describe('receipts', () => {
  it('make a search wait until its write is applied', async () => {
    fixture.shard.paused = true;
    const target = randomVector();
    const { receipt: after } = (await fixture.call('POST', '/v1/embeddings/l2/vectors', { vectors: [{ key: 'late', values: target }] })).json<WriteResponse>();
    const waiting = search('l2', { vector: target, k: 1, after });
    const without = (await search('l2', { vector: target, k: 1 })).json<SearchResponse>();
    expect(without.results).not.toMatchObject([{ key: 'late' }]);
    fixture.shard.resume();
    expect((await waiting).json<SearchResponse>().results).toEqual([{ key: 'late', distance: 0 }]);
    await fixture.call('DELETE', '/v1/embeddings/l2/vectors/late?wait=applied');
  });

  it('fail at the deadline with receipt_timeout, naming the partition', async () => {
    fixture.shard.paused = true;
    const { receipt: after } = (await fixture.call('POST', '/v1/embeddings/dot/delete', { keys: ['nobody'] })).json<WriteResponse>();
    const answer = await search('dot', { vector: randomVector(), k: 1, after, timeoutMs: 500 });
    expect(answer.json()).toMatchObject({ code: 'receipt_timeout', status: 504, retryable: true });
    expect(answer.json<Problem>().detail).toContain('Partition 0');
  });

  it('that lie beyond the end of the log are unknown', async () => {
    const slot = Object.keys(receipt)[0] ?? '';
    const answer = await search('l2', { vector: randomVector(), k: 1, after: { [slot]: 1e9 }, timeoutMs: 50 });
    expect(answer.json()).toMatchObject({ code: 'receipt_unknown', status: 400, retryable: false, field: `after.${slot}` });
    const key = [...data.keys()].find((one) => slotOfPartition(partitionOf(parseVectorKey(one), 5)) === Number(slot)) ?? '';
    const read = await fixture.call('GET', `/v1/embeddings/l2/vectors/${encodeURIComponent(key)}?timeoutMs=50&after={"${slot}":1000000000}`);
    expect(read.json()).toMatchObject({ code: 'receipt_unknown', field: `after.${slot}` });
  });

  it('do not hold up searches without one', async () => {
    fixture.shard.announce();
    fixture.shard.paused = true;
    const { receipt: after } = (await fixture.call('POST', '/v1/embeddings/dot/delete', { keys: ['nobody'] })).json<WriteResponse>();
    const waiting = search('dot', { vector: randomVector(), k: 1, after });
    const query = randomVector();
    expect((await search('dot', { vector: query, k: 2 })).json<SearchResponse>().results).toEqual(nearest('dot', query, 2));
    fixture.shard.resume();
    expect((await waiting).status).toBe(200);
  });
});

describe('a partition that does not answer', () => {
  it('is an error that names it', async () => {
    fixture.shard.failures.set(slotOfPartition(2), { ok: false, error: 'overloaded', message: 'Busy.' });
    const answer = await search('l2', { vector: randomVector(), k: 1 });
    expect(answer.json()).toMatchObject({ code: 'overloaded', status: 503, retryable: true });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.json<Problem>().detail).toMatch(/^Partition \d+ \(slot \d+\) failed: Busy\.$/);
  });

  it('is left out where that is allowed, and named', async () => {
    const failing = slotOfPartition(2);
    fixture.shard.failures.set(failing, { ok: false, error: 'slot_unavailable', message: 'Gone.' });
    const missing = [0, 1, 2, 3, 4].filter((partition) => slotOfPartition(partition) === failing);
    const { results, ...rest } = (await search('l2', { vector: randomVector(), k: 1000, allowPartial: true })).json<SearchResponse>();
    expect(rest).toMatchObject({ partial: true, missingPartitions: missing });
    expect(results.length).toBeLessThan(COUNT);
    expect(results.length).toBe(rest.distanceComputations);
  });

  it('is asked about together with the others when a receipt may be unknown, so that a silent log costs its deadline once', async () => {
    for (const slot of Object.keys(receipt)) fixture.shard.failures.set(Number(slot), { ok: false, error: 'receipt_timeout', message: 'Late.' });
    const { log } = fixture.bus;
    const lastSequence = log.lastSequence.bind(log);
    let [asked, mostAtOnce] = [0, 0];
    log.lastSequence = async (slot) => {
      asked += 1;
      mostAtOnce = Math.max(mostAtOnce, asked);
      await new Promise((resolve) => setImmediate(resolve));
      asked -= 1;
      return lastSequence(slot);
    };
    try {
      const answer = await search('l2', { vector: randomVector(), k: 1, after: receipt, allowPartial: true });
      expect(answer.json()).toMatchObject({ code: 'receipt_timeout' });
      expect(mostAtOnce).toBe(5);
    } finally {
      log.lastSequence = lastSequence;
    }
  });

  it('is an error all the same when no partition answers, or when waiting would not help', async () => {
    fixture.shard.failures.set(slotOf(parseEmbeddingCode(3), parsePartition(0), 16), { ok: false, error: 'slot_unavailable', message: 'Gone.' });
    expect((await search('dot', { vector: randomVector(), k: 1, allowPartial: true })).json()).toMatchObject({ code: 'slot_unavailable' });
    fixture.shard.failures.set(slotOfPartition(2), { ok: false, error: 'embedding_dropped', message: 'Gone.' });
    expect((await search('l2', { vector: randomVector(), k: 1, allowPartial: true })).json()).toMatchObject({ code: 'embedding_dropped', status: 410 });
  });

  it('is asked once more when nobody served its slot', async () => {
    const slot = slotOf(parseEmbeddingCode(3), parsePartition(0), 16);
    await (await fixture.shard.serve(slot)).close();
    const waiting = search('dot', { vector: randomVector(), k: 1 });
    await expect.poll(() => fixture.bus.requests.requestCounts.get(`shoal.q.${slot}`), { interval: 2 }).toBeGreaterThan(0);
    await fixture.shard.serve(slot);
    expect((await waiting).status).toBe(200);
  });

  it('is an error when nobody serves its slot for longer', async () => {
    const slot = slotOf(parseEmbeddingCode(3), parsePartition(0), 16);
    await (await fixture.shard.serve(slot)).close();
    const answer = await search('dot', { vector: randomVector(), k: 1 });
    expect(answer.json()).toMatchObject({ code: 'slot_unavailable', status: 503, retryable: true });
    expect((await fixture.call('GET', '/v1/embeddings/dot/vectors/key%2F1')).json()).toMatchObject({ code: 'slot_unavailable' });
    expect((await fixture.call('GET', '/v1/embeddings/dot')).json()).toMatchObject({ statsComplete: false });
    await fixture.shard.serve(slot);
  });
});

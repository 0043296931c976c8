/** Payloads, filters, scrolling and aliases through two gateways over NATS, against what the writes say. */
import { describe, expect, it } from 'vitest';
import type { EmbeddingHandle, Filter } from '@shoal/client';
import { suiteCluster } from '../harness/suite-cluster.ts';
import { l2, seededRandom, suiteSeed } from '../harness/workload.ts';

interface Article {
  readonly colour?: string;
  readonly tags?: readonly string[];
  readonly year?: number;
  readonly at?: string;
}

const DIM = 16;
const suite = suiteCluster({ shardCount: 2, gatewayCount: 2, slots: 8 });
const random = seededRandom(suiteSeed('payload operations'));
const vector = (): Float32Array => Float32Array.from({ length: DIM }, () => random() * 2 - 1);

async function register(name: string, more: object = {}): Promise<readonly [EmbeddingHandle<Article>, EmbeddingHandle<Article>]> {
  await suite.cluster.client(0).register({ name, model: name, dim: DIM, distance: 'l2', partitions: 3, ...more });
  return [suite.cluster.client(0).embedding<Article>(name), suite.cluster.client(1).embedding<Article>(name)];
}

async function keysOf(handle: EmbeddingHandle<Article>, filter?: Filter<Article>, pageSize = 7): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of handle.scroll({ pageSize, ...(filter === undefined ? {} : { filter }) })) keys.push(key);
  return keys;
}

describe('payloads', () => {
  it('are filtered by searches, counts and scrolls alike, and answers are those of a scan', async () => {
    const [writer, reader] = await register('filtered', { fields: { colour: 'keyword', tags: 'keywords', year: 'integer', at: 'datetime' } });
    const articles = Array.from({ length: 400 }, (_, number) => ({
      key: `k${number}`,
      values: vector(),
      payload: { colour: ['red', 'green', 'blue'][number % 3] as string, tags: number % 2 === 0 ? ['even'] : ['odd', 'x'], year: 2000 + (number % 25), at: new Date(Date.UTC(2026, 0, 1, number)).toISOString() },
    }));
    const { receipt } = await writer.upsert(articles);
    await reader.waitUntilApplied(receipt);
    type Row = (typeof articles)[number];
    const cases: readonly (readonly [Filter<Article>, (row: Row) => boolean])[] = [
      [{ field: 'colour', equals: 'red' }, ({ payload }) => payload.colour === 'red'],
      [{ must: [{ field: 'year', range: { gte: 2010, lt: 2012 } }, { field: 'tags', any_of: ['odd'] }] }, ({ payload }) => payload.year >= 2010 && payload.year < 2012 && payload.tags.includes('odd')],
      [{ should: [{ field: 'colour', equals: 'blue' }, { key_in: ['k1', 'k3'] }], must_not: { field: 'tags', equals: 'even' } }, ({ key, payload }) => (payload.colour === 'blue' || key === 'k1' || key === 'k3') && !payload.tags.includes('even')],
      [{ field: 'at', range: { gte: '2026-01-10T00:00:00Z' } }, ({ payload }) => payload.at >= '2026-01-10'],
      [{ field: 'colour', equals: 'pink' }, () => false],
    ];
    for (const [filter, passes] of cases) {
      const expected = articles.filter(passes);
      expect((await keysOf(reader, filter)).sort()).toEqual(expected.map(({ key }) => key).sort());
      expect(await reader.count({ filter, after: receipt })).toBe(expected.length);
      const query = vector();
      const nearest = expected.map(({ key, values }) => ({ key, distance: l2(query, values) })).sort((a, b) => a.distance - b.distance).slice(2, 12);
      const { hits } = await reader.search({ vector: query, k: 10, offset: 2, filter, include: ['payload'] });
      expect(hits.map(({ key }) => key)).toEqual(nearest.map(({ key }) => key));
      for (const { key, payload } of hits) expect(payload).toEqual(articles.find((one) => one.key === key)?.payload);
    }
    const near = await reader.search({ vector: articles[0]?.values ?? vector(), k: 50, maxDistance: 1e-3 });
    expect(near.hits.map(({ key }) => key)).toEqual(['k0']);
  });

  it('come back in groups, nearest group first, also when one group hides the others', async () => {
    const [handle] = await register('grouped', { fields: { colour: 'keyword', year: 'integer' } });
    const at = (distance: number): Float32Array => Float32Array.from({ length: DIM }, (_, index) => (index === 0 ? distance : 0));
    const rows = [
      ...Array.from({ length: 300 }, (_, number) => ({ key: `near${number}`, values: at(number / 1_000), payload: { colour: 'near' } })),
      ...Array.from({ length: 5 }, (_, number) => ({ key: `mid${number}`, values: at(10 + number), payload: { colour: 'mid' } })),
      { key: 'far', values: at(100), payload: { colour: 'far' } },
      { key: 'bare', values: at(0) },
    ];
    const { receipt } = await handle.upsert(rows);
    const { groups } = await handle.searchGroups({ vector: at(0), k: 3, groupBy: { field: 'colour', size: 2 }, after: receipt });
    expect(groups.map(({ value, hits }) => [value, hits.map(({ key }) => key)])).toEqual([['near', ['near0', 'near1']], ['mid', ['mid0', 'mid1']], ['far', ['far']]]);
    expect(groups[0]?.hits[0]).not.toHaveProperty('payload');
  });

  it('that do not fit the declaration are refused by name, and fields that nobody declared cannot be filtered', async () => {
    const [handle] = await register('strict', { fields: { year: 'integer' } });
    const bad = { key: 'a', values: vector(), payload: { year: '2024' as unknown as number } };
    await expect(handle.upsert([{ key: 'b', values: vector() }, bad])).rejects.toMatchObject({ code: 'invalid_payload_field', field: 'vectors[1].payload.year' });
    await expect(handle.updatePayloads([{ key: 'a', payload: { year: 1.5 } }])).rejects.toMatchObject({ code: 'invalid_payload_field', field: 'updates[0].payload.year' });
    await expect(handle.count({ filter: { field: 'colour', equals: 'red' } })).rejects.toMatchObject({ code: 'field_not_declared', field: 'filter.field' });
  });

  it('are filtered by a field that was declared later, at once and through every gateway', async () => {
    const [first, second] = await register('late');
    const { receipt } = await first.upsert(Array.from({ length: 2_000 }, (_, number) => ({ key: `k${number}`, values: vector(), payload: { year: number % 10 } })));
    await first.waitUntilApplied(receipt);
    const { fields } = (await first.declareFields({ year: 'integer' })) as { readonly fields: object };
    expect(fields).toEqual({ year: 'integer' });
    expect(await second.count({ filter: { field: 'year', equals: 3 } })).toBe(200);
    expect(await first.count({ filter: { field: 'year', range: { gte: 5 } } })).toBe(1_000);
    await expect(second.declareFields({ year: 'keyword' })).rejects.toMatchObject({ code: 'field_conflict', field: 'fields.year' });
  });

  it('that were changed are seen by every read with the receipt, and vectors stay', async () => {
    const [first, second] = await register('changed', { fields: { colour: 'keyword' } });
    const values = vector();
    await first.upsert([{ key: 'a', values, payload: { colour: 'red', year: 1 } }], { wait: 'applied' });
    for (let round = 0; round < 20; round += 1) {
      const colour = `colour ${round}`;
      const { receipt } = await first.updatePayloads([{ key: 'a', payload: { colour } }]);
      const { hits } = await second.search({ vector: values, k: 1, filter: { field: 'colour', equals: colour }, include: ['payload', 'values'], after: receipt });
      expect(hits).toMatchObject([{ key: 'a', payload: { colour, year: 1 } }]);
      expect(hits[0]?.values).toEqual(values);
      expect(await second.count({ filter: { field: 'colour', equals: `colour ${round - 1}` }, after: receipt })).toBe(0);
    }
    const { sequence } = (await first.get('a')) ?? {};
    const stale = await first.updatePayloads([{ key: 'a', payload: { colour: 'x' }, ifSequence: (sequence ?? 0) - 1 }], { wait: 'applied' });
    expect(stale.outcomes).toMatchObject([{ outcome: 'conflict' }]);
    const fresh = await first.updatePayloads([{ key: 'a', payload: { colour: null }, ...(sequence === undefined ? {} : { ifSequence: sequence }) }], { wait: 'applied' });
    expect(fresh.outcomes).toMatchObject([{ outcome: 'updated' }]);
    expect((await second.get('a'))?.payload).toEqual({ year: 1 });
  });
});

describe('a scroll', () => {
  it('brings no key twice and misses none that lives throughout, whatever is written meanwhile', async () => {
    const [writer, reader] = await register('scrolled', { fields: { year: 'integer' } });
    const steady = Array.from({ length: 600 }, (_, number) => `steady${number}`);
    const { receipt } = await writer.upsert([...steady, ...Array.from({ length: 300 }, (_, number) => `loose${number}`)].map((key) => ({ key, values: vector(), payload: { year: 1 } })));
    await writer.waitUntilApplied(receipt);
    const stop = new AbortController();
    const churn = (async () => {
      for (let round = 0; !stop.signal.aborted; round += 1) {
        const some = Array.from({ length: 20 }, () => Math.floor(random() * 600));
        await writer.upsert([...new Set(some)].map((number) => ({ key: `steady${number}`, values: vector(), payload: { year: 1 } })));
        await writer.delete(some.slice(0, 5).map((number) => `loose${number % 300}`));
        await writer.upsert([{ key: `new${round}`, values: vector(), payload: { year: 1 } }]);
        await writer.updatePayloads([{ key: `steady${some[0]}`, payload: { year: 1 } }]);
      }
    })();
    try {
      for (const filter of [undefined, { field: 'year', equals: 1 } as const]) {
        const keys = await keysOf(reader, filter, 50);
        expect(new Set(keys).size).toBe(keys.length);
        const seen = new Set(keys);
        expect(steady.filter((key) => !seen.has(key))).toEqual([]);
      }
    } finally {
      stop.abort();
      await churn;
    }
  });

  it('goes on after its cursor only where it began', async () => {
    const [handle] = await register('cursor');
    await handle.upsert([{ key: 'a', values: vector() }], { wait: 'applied' });
    const ask = async (body: object): Promise<{ status: number; code?: string }> => {
      const response = await fetch(`${suite.cluster.urls[0]}/v1/embeddings/cursor/scroll`, { method: 'POST', headers: { authorization: `Bearer ${suite.cluster.rootKey}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
      return { status: response.status, ...((await response.json()) as { code?: string }) };
    };
    expect(await ask({ cursor: 'bm9wZQ' })).toMatchObject({ status: 400, code: 'invalid_field' });
    expect(await ask({ limit: 1 })).toMatchObject({ status: 200 });
  });
});

describe('an alias', () => {
  it('flips in one step: every answer is of the old embedding or the new one', async () => {
    for (const name of ['blue', 'green']) {
      const [handle] = await register(`${name}-articles`);
      await handle.upsert(Array.from({ length: 20 }, (_, number) => ({ key: `${name}${number}`, values: vector() })), { wait: 'applied' });
    }
    const [one, other] = [suite.cluster.client(0), suite.cluster.client(1)];
    await one.aliases.set('articles', 'blue-articles');
    const namesIn = async (client = one): Promise<string> => {
      const { hits } = await client.embedding('articles').search({ vector: vector(), k: 20 });
      expect(hits.length).toBe(20);
      return [...new Set(hits.map(({ key }) => key.replace(/\d+$/, '')))].join();
    };
    expect(await namesIn()).toBe('blue');
    for (let flip = 0; flip < 10; flip += 1) {
      const name = flip % 2 === 0 ? 'green' : 'blue';
      const others = Array.from({ length: 8 }, () => namesIn(other));
      await one.aliases.set('articles', `${name}-articles`);
      expect(await namesIn()).toBe(name);
      for (const seen of await Promise.all(others)) expect(['blue', 'green']).toContain(seen);
      await expect.poll(() => namesIn(other), { timeout: 20_000, interval: 20 }).toBe(name);
    }
    expect((await other.embedding('articles').describe()).name).toBe('blue-articles');
    expect(await other.aliases.list()).toMatchObject([{ alias: 'articles', embedding: 'blue-articles' }]);
    await expect(one.embedding('articles').drop()).rejects.toMatchObject({ code: 'name_is_alias' });
    await expect(one.aliases.set('green-articles', 'blue-articles')).rejects.toMatchObject({ code: 'name_taken' });
    await expect(one.register({ name: 'articles', model: 'z', dim: 2, distance: 'l2' })).rejects.toMatchObject({ code: 'name_taken' });
    await one.aliases.delete('articles');
    await expect(namesIn()).rejects.toMatchObject({ code: 'embedding_not_found' });
  });
});

describe('a delete by filter', () => {
  it('deletes what passes where it stands in the log, and counts it', async () => {
    const [first, second] = await register('swept', { fields: { year: 'integer' } });
    const { receipt } = await first.upsert(Array.from({ length: 3_000 }, (_, number) => ({ key: `k${number}`, values: vector(), payload: { year: number % 3 } })));
    const swept = await second.deleteMatching({ field: 'year', range: { gte: 1 } }, { wait: 'applied' });
    expect(swept.deleted).toBe(2_000);
    const later = await first.upsert([{ key: 'later', values: vector(), payload: { year: 2 } }]);
    expect(await second.count({ after: { ...receipt, ...swept.receipt, ...later.receipt } })).toBe(1_001);
    expect(await second.count({ filter: { field: 'year', exists: true } })).toBe(1_001);
  });
});

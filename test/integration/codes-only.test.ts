import type { EmbeddingHandle } from '@shoal/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { suiteCluster } from '../harness/suite-cluster.ts';
import { seededRandom, suiteSeed } from '../harness/workload.ts';

const DIM = 256;
const COUNT = 3_000;
const QUERIES = 25;
const random = seededRandom(suiteSeed('codes-only'));
const centres = Array.from({ length: 30 }, () => Float32Array.from({ length: DIM }, () => random() * 2 - 1));
const nearOne = (): Float32Array => (centres[Math.floor(random() * centres.length)] as Float32Array).map((x) => x + (random() - 0.5));
const registration = (name: string, memory: 'full' | 'codes') => ({ name, model: name, dim: DIM, distance: 'cosine', rabitq: { memory }, fields: { half: 'keyword' } } as const);
const queries = Array.from({ length: QUERIES }, nearOne);

/** What both embeddings should hold. */
const rows = new Map<string, { values: Float32Array; payload: { half: string } }>();

async function upsert(handles: readonly EmbeddingHandle[], keys: readonly string[]): Promise<void> {
  for (const [index, key] of keys.entries()) rows.set(key, { values: nearOne(), payload: { half: index % 2 === 0 ? 'even' : 'odd' } });
  const vectors = keys.map((key) => ({ key, ...(rows.get(key) as { values: Float32Array; payload: { half: string } }) }));
  for (const handle of handles) await handle.upsert(vectors, { wait: 'applied' });
}

function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < DIM; i += 1) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function distanceOf(a: Float32Array, b: Float32Array): number {
  return 1 - product(a, b) / Math.sqrt(product(a, a) * product(b, b));
}

/** Recall@10 of a path against the rows; every distance is checked. */
async function recallOf(handle: EmbeddingHandle, path: 'auto' | 'exact' | 'flat', half?: string): Promise<number> {
  const filter = half === undefined ? {} : { filter: { field: 'half', equals: half } as const };
  const { results } = await handle.searchMany({ vectors: queries, k: 10, ef: 100, path, ...filter });
  let found = 0;
  results.forEach((hits, n) => {
    const query = queries[n] as Float32Array;
    const truth = [...rows].filter(([, { payload }]) => half === undefined || payload.half === half)
      .map(([key, { values }]) => ({ key, distance: distanceOf(query, values) })).sort((a, b) => a.distance - b.distance).slice(0, 10).map(({ key }) => key);
    for (const { key, distance } of hits) {
      expect(distance).toBeCloseTo(distanceOf(query, rows.get(key)?.values ?? query), 4);
      found += Number(truth.includes(key));
    }
  });
  return found / (10 * QUERIES);
}

async function expectRecall(handle: EmbeddingHandle): Promise<void> {
  expect(await recallOf(handle, 'flat')).toBeGreaterThan(0.998);
  for (const path of ['auto', 'exact'] as const) expect(await recallOf(handle, path)).toBeGreaterThan(0.97);
  expect(await recallOf(handle, 'auto', 'even')).toBeGreaterThan(0.95);
}

const keysFrom = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `k${from + i}`);

describe('an embedding that keeps codes alone, in a node', () => {
  let node: EmbeddedProcess;
  beforeAll(async () => { node = await EmbeddedProcess.start(); });
  afterAll(() => node.close());

  it('finds what one that keeps vectors finds, in less than half the memory, through replacements, deletions and a restart', async () => {
    const client = node.client();
    const [full, codes] = [(await client.register(registration('full', 'full'))).handle, (await client.register(registration('codes', 'codes'))).handle];
    const both = [full, codes];
    expect((await codes.describe()).rabitq.memory).toBe('codes');
    expect((await full.describe()).rabitq.memory).toBe('full');
    await expect(client.register(registration('codes', 'full'))).rejects.toMatchObject({ code: 'spec_conflict' });

    await upsert(both, keysFrom(0, 300));
    for (const path of ['auto', 'flat'] as const) expect(await recallOf(codes, path)).toBeGreaterThan(0.998);
    for (let from = 300; from < COUNT; from += 900) await upsert(both, keysFrom(from, 900));
    await expectRecall(codes);
    await upsert(both, keysFrom(500, 300));
    for (const handle of both) await handle.delete(keysFrom(0, 200), { wait: 'applied' });
    for (const key of keysFrom(0, 200)) rows.delete(key);
    await expectRecall(codes);
    const [fullStats, codesStats] = [(await full.describe()).stats, (await codes.describe()).stats];
    expect(codesStats).toMatchObject({ vectorCount: rows.size, graph: true });
    expect(fullStats.memoryBytes / codesStats.memoryBytes).toBeGreaterThan(2);
    const { hits } = await codes.search({ key: 'k700', k: 1, include: ['values', 'payload'] });
    expect(hits[0]).toMatchObject({ key: 'k700', payload: rows.get('k700')?.payload });

    await node.process.end('SIGTERM');
    await node.restart();
    const again = node.client().embedding('codes');
    await expectRecall(again);
    const { stats } = await again.describe();
    expect(stats.vectorCount).toBe(rows.size);
    expect(stats.memoryBytes).toBeLessThan(fullStats.memoryBytes / 2);
  });
});

describe('an embedding that keeps codes alone, in a cluster', () => {
  const suite = suiteCluster({ shardCount: 2, gatewayCount: 1 });

  it('answers from every replica, and both hold the same', async () => {
    rows.clear();
    const client = suite.cluster.client(0);
    const { handle } = await client.register({ ...registration('codes', 'codes'), partitions: 2 });
    for (let from = 0; from < COUNT; from += 1_000) await upsert([handle], keysFrom(from, 1_000));
    await upsert([handle], keysFrom(100, 200));
    for (let turn = 0; turn < 3; turn += 1) expect(await recallOf(handle, 'auto')).toBeGreaterThan(0.97);
    await expectRecall(handle);
    expect((await client.verifyReplicas()).filter(({ verdict }) => verdict !== 'equal')).toEqual([]);
  });
});

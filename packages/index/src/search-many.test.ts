import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Engine } from './engine.ts';
import { EngineClosedError, EngineFailedError, EngineOverloadedError } from './errors.ts';
import type { IndexOp } from './index-op.ts';
import { BATCH_QUERIES_MAX, QUERIES_PER_REQUEST_MAX, SEARCHES_WAITING_MAX, SLOTS_PER_THREAD } from './limits.ts';
import { LocalEngine } from './local-engine.ts';
import type { SearchSettings } from './search-request.ts';
import { clusteredVectors } from './test-support/random-vectors.ts';
import type { VectorIndex } from './vector-index.ts';

const SEED = 23;
const DIM = 16;
const VECTORS = 2000;
const spec = { dim: DIM, distance: 'l2', m: 8, efConstruction: 60, seed: 4, flatThreshold: 64, rabitq: { bits: 8, seed: 6 } } as const;
const settings: SearchSettings = { k: 5, ef: 40, path: 'rabitq' };

let engine: Engine | undefined;
let workers: Worker[] = [];
const note = (worker: Worker): void => { workers.push(worker); };
beforeEach(() => {
  workers = [];
  process.on('worker', note);
});
afterEach(async () => {
  process.off('worker', note);
  await engine?.close();
  engine = undefined;
});

/** An engine whose first worker is the writer, and an index of it. */
async function started(searchThreadCount: number, dim = DIM): Promise<VectorIndex> {
  engine = await Engine.start({ memoryMaxBytes: 128 << 20, searchThreadCount });
  const index = await engine.openIndex({ ...spec, dim });
  await index.apply(puts(dim));
  return index;
}

function puts(dim: number): IndexOp[] {
  return clusteredVectors(SEED, dim === DIM ? VECTORS : 200, dim).map((vector, id) => ({ type: 'put', id, vector }));
}

function queriesOf(count: number, dim = DIM): Float32Array {
  return Float32Array.from(clusteredVectors(SEED + 1, count, dim).flatMap((vector) => [...vector]));
}

const odd = { allowed: new Uint32Array(VECTORS / 32 + 1).fill(0xaaaa_aaaa) };
test.each<[string, number, number, SearchSettings]>([
  ['one query', 1, DIM, settings],
  ['fewer queries than threads', 2, DIM, settings],
  ['a number that does not divide', 331, DIM, settings],
  ['full vectors', 100, DIM, { ...settings, path: 'exact' }],
  ['a scan', 100, DIM, { ...settings, path: 'flat' }],
  ['a filter', 100, DIM, { ...settings, filter: odd }],
  ['few queries to a request by their dimension', 20, 2048, { ...settings, path: 'auto' }],
  ['few queries to a request by their answers', 20, DIM, { k: 700, ef: 700, path: 'auto' }],
])('a batch is answered as its queries one by one: %s', async (_, count, dim, asked) => {
  const index = await started(3, dim);
  const local = LocalEngine.start({ memoryMaxBytes: 128 << 20 }).openIndex({ ...spec, dim });
  local.apply(puts(dim));
  const queries = queriesOf(count, dim);
  const hits = await index.searchMany(queries, asked);
  expect(hits.length).toBe(count);
  hits.forEach((hit, i) => { expect(hit).toEqual(local.search({ ...asked, vector: queries.subarray(i * dim, (i + 1) * dim) })); });
  expect(engine?.stats().searchesInFlight).toBe(0);
});

test('no query has no answer', async () => {
  const index = await started(1);
  expect(await index.searchMany(new Float32Array(), settings)).toEqual([]);
});

test('searches of one tick that want the same share requests, and each gets its own answer', async () => {
  const index = await started(1);
  const local = LocalEngine.start({ memoryMaxBytes: 128 << 20 }).openIndex(spec);
  local.apply(puts(DIM));
  let wakeUps = 0;
  workers[1]?.on('message', () => { wakeUps++; });
  const requests = clusteredVectors(SEED + 2, SLOTS_PER_THREAD, DIM).map((vector, i) => ({ vector, k: 5, ef: i < 40 ? 40 : 50, path: 'rabitq' as const }));
  const hits = await Promise.all(requests.map((request) => index.search(request)));
  expect(hits).toEqual(requests.map((request) => local.search(request)));
  expect(wakeUps).toBeLessThanOrEqual(Math.ceil(40 / QUERIES_PER_REQUEST_MAX) + Math.ceil(24 / QUERIES_PER_REQUEST_MAX));
});

test('a search behind a long batch is answered before it', async () => {
  const index = await started(1);
  const settled: string[] = [];
  const batch = index.searchMany(queriesOf(5000), { ...settings, path: 'flat' }).then(() => settled.push('batch'));
  expect(engine?.stats().searchesInFlight).toBe(5000);
  await index.search({ ...settings, vector: queriesOf(1) }).then(() => settled.push('search'));
  await batch;
  expect(settled).toEqual(['search', 'batch']);
});

test('more batches than may wait are refused as a whole, and those that wait are answered', async () => {
  const index = await started(1);
  const long = index.searchMany(queriesOf(1000), settings);
  const queries = queriesOf(2);
  const batches = await Promise.allSettled(Array.from({ length: SEARCHES_WAITING_MAX + 9 }, () => index.searchMany(queries, settings)));
  expect(batches.filter(({ status }) => status === 'rejected').length).toBe(10);
  for (const batch of batches) {
    if (batch.status === 'rejected') expect(batch.reason).toBeInstanceOf(EngineOverloadedError);
    else expect(batch.value.length).toBe(2);
  }
  expect((await long).length).toBe(1000);
});

test('a batch that is no batch is a programmer\'s error', async () => {
  const index = await started(1);
  await expect(index.searchMany(new Float32Array(DIM + 1), settings)).rejects.toThrow(/whole vectors/);
  await expect(index.searchMany(new Float32Array((BATCH_QUERIES_MAX + 1) * DIM), settings)).rejects.toThrow(/at most/);
  await expect(index.searchMany(queriesOf(2), { ...settings, k: 0 })).rejects.toThrow(/k is 0/);
});

test('a batch rejects when a search thread dies in between, also one that still waits in line', async () => {
  const index = await started(2);
  const queries = queriesOf(30_000);
  const settled = Promise.allSettled([index.searchMany(queries, { ...settings, path: 'flat' }), index.searchMany(queries, settings)]);
  await workers[2]?.terminate();
  for (const outcome of await settled) expect(outcome.status === 'rejected' && outcome.reason).toBeInstanceOf(EngineFailedError);
  await expect(index.searchMany(queriesOf(1), settings)).rejects.toBeInstanceOf(EngineFailedError);
});

test('dropping an index waits for a batch; recycled ids are put only after it', async () => {
  const index = await started(2);
  const queries = queriesOf(500);
  const before = index.searchMany(queries, { ...settings, path: 'flat' });
  const replaced = index.apply([{ type: 'remove', id: 7 }]).then(() => index.apply([{ type: 'put', id: 7, vector: new Float32Array(DIM).fill(100) }]));
  const isDone = before.then(() => true);
  await replaced;
  expect(await Promise.race([isDone, Promise.resolve(false)])).toBe(true);
  const last = index.searchMany(queries, settings);
  const dropped = index.drop();
  await expect(index.searchMany(queries, settings)).rejects.toBeInstanceOf(EngineClosedError);
  expect((await last).length).toBe(500);
  await dropped;
});

import type { Worker } from 'node:worker_threads';
import { compileKernel, createMemory, instantiateKernel } from '@shoal/kernel';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Engine } from './engine.ts';
import { EngineClosedError, EngineFailedError, EngineOverloadedError } from './errors.ts';
import { FilterPool } from './filter-pool.ts';
import type { IndexOp } from './index-op.ts';
import { createParameters } from './kernel-parameters.ts';
import { BATCH_QUERIES_MAX, QUERIES_PER_REQUEST_MAX, SEARCHES_WAITING_MAX, SLOTS_PER_THREAD } from './limits.ts';
import { LocalEngine } from './local-engine.ts';
import { RequestRing, RING_BYTES } from './request-ring.ts';
import { SearchBatch } from './search-batch.ts';
import type { SearchSettings } from './search-request.ts';
import { SearchThread } from './search-thread.ts';
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

test('searches of one tick each get their own answer', async () => {
  const index = await started(1);
  const local = LocalEngine.start({ memoryMaxBytes: 128 << 20 }).openIndex(spec);
  local.apply(puts(DIM));
  const requests = clusteredVectors(SEED + 2, SLOTS_PER_THREAD, DIM).map((vector, i) => ({ vector, k: 5, ef: i < 40 ? 40 : 50, path: 'rabitq' as const }));
  const hits = await Promise.all(requests.map((request) => index.search(request)));
  expect(hits).toEqual(requests.map((request) => local.search(request)));
});

test('a request takes more queries until its thread has seen it, up to a bound; scans have requests of their own', async () => {
  const module = compileKernel();
  const memory = createMemory(256);
  const kernel = instantiateKernel(module, memory);
  kernel.initEngine(256);
  const areas = { scratch: kernel.allocateScratch(1), ring: kernel.allocateSpan(RING_BYTES) };
  const indexes = [kernel.createIndex(...createParameters(spec)), kernel.createIndex(...createParameters(spec))] as const;
  const answered: Promise<unknown>[] = [];
  const thread = new SearchThread({ module, memory, ...areas }, new FilterPool(memory, 0, 0), () => undefined, (error) => { thread.fail(error); });
  const submit = (of: number, asked: SearchSettings): void => {
    answered.push(new Promise((resolve, reject) => {
      const batch = new SearchBatch({ index: of, dim: DIM, queries: new Float32Array(DIM), settings: asked, places: 10, rerankCount: 10, resolve, reject });
      thread.submit(batch.take(1), 0);
    }));
  };
  for (let query = 0; query < QUERIES_PER_REQUEST_MAX + 2; query++) submit(indexes[0], settings);
  submit(indexes[1], settings);
  submit(indexes[1], { ...settings, k: 6 });
  for (let query = 0; query < 2; query++) submit(indexes[1], { ...settings, path: 'flat' });
  const ring = new RequestRing(memory, areas.ring);
  expect(Array.from({ length: 6 }, (_, n) => ring.read(n).queryCount)).toEqual([QUERIES_PER_REQUEST_MAX, 2, 1, 1, 1, 1]);
  await Promise.all(answered);
  submit(indexes[0], settings);
  expect(ring.read(6).queryCount).toBe(1);
  await Promise.all(answered);
  await thread.close();
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

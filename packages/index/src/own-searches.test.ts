import { compileKernel, createMemory, instantiateKernel } from '@shoal/kernel';
import { afterEach, expect, test } from 'vitest';
import { Engine } from './engine.ts';
import { EngineFailedError } from './errors.ts';
import { OWN_COMPONENTS_MAX } from './limits.ts';
import { LocalEngine } from './local-engine.ts';
import { OwnSearches } from './own-searches.ts';
import { SINGLE_SLOT_RING_BYTES } from './request-ring.ts';
import { SearchBatch } from './search-batch.ts';
import type { SearchSettings } from './search-request.ts';
import { SpareTime } from './spare-time.ts';
import { clusteredVectors } from './test-support/random-vectors.ts';
import { systemThreadTime, type ThreadTime } from './thread-time.ts';
import type { VectorIndex } from './vector-index.ts';

const SEED = 31;
const DIM = 16;
const spec = { dim: DIM, distance: 'l2', m: 8, efConstruction: 60, seed: 4, flatThreshold: 64, rabitq: { bits: 8, seed: 6 } } as const;
const settings: SearchSettings = { k: 5, ef: 40, path: 'rabitq' };
const vectors = clusteredVectors(SEED, 12_000, DIM);
const puts = vectors.map((vector, id) => ({ type: 'put' as const, id, vector }));
const queries = Float32Array.from(clusteredVectors(SEED + 1, 64, DIM).flatMap((vector) => [...vector]));
const queryAt = (i: number): Float32Array => queries.subarray(i * DIM, (i + 1) * DIM);

/** A thread that has all the time in the world: everything that may be searched here is. */
const idle: ThreadTime = { nowMs: () => 0, cpuMs: () => 0, nextTurn: (callback) => void setImmediate(callback) };

let engine: Engine | undefined;
afterEach(async () => {
  await engine?.close();
  engine = undefined;
});

async function started(threadTime: ThreadTime | undefined): Promise<VectorIndex> {
  engine = await Engine.start({ memoryMaxBytes: 128 << 20, searchThreadCount: 1, threadTime });
  return engine.openIndex(spec);
}

/** What was asked for in this step is then done, or in the hands of a thread. */
const stepEnd = (): Promise<void> => new Promise((resolve) => { queueMicrotask(resolve); });

test('short searches are over within the step of the event loop, with the answers of a search thread', async () => {
  const index = await started(idle);
  const local = LocalEngine.start({ memoryMaxBytes: 128 << 20 }).openIndex(spec);
  await index.apply(puts);
  local.apply(puts);
  for (const asked of [settings, { ...settings, path: 'exact' }, { ...settings, path: 'auto', k: 40 }] as const) {
    const batch = index.searchMany(queries, asked);
    const alone = index.search({ ...asked, vector: queryAt(0) });
    expect(engine?.stats().searchesInFlight).toBe(65);
    await stepEnd();
    expect(engine?.stats().searchesInFlight).toBe(0);
    (await batch).forEach((hit, i) => { expect(hit).toEqual(local.search({ ...asked, vector: queryAt(i) })); });
    expect(await alone).toEqual((await batch)[0]);
  }
});

test('searches that may take long go to a thread', async () => {
  const index = await started(idle);
  await index.apply(puts);
  const wide = Math.floor(OWN_COMPONENTS_MAX / DIM) + 1;
  expect(wide).toBeGreaterThan(4_096);
  for (const asked of [{ ...settings, path: 'flat' }, { ...settings, filter: { allowed: new Uint32Array(400).fill(1) } }] as const) {
    const answered = index.search({ ...asked, vector: queryAt(0) });
    await stepEnd();
    expect(engine?.stats().searchesInFlight).toBe(1);
    await answered;
  }
});

test('an index without a graph is searched here only while it is small', async () => {
  engine = await Engine.start({ memoryMaxBytes: 128 << 20, searchThreadCount: 1, threadTime: idle });
  const index = await engine.openIndex({ ...spec, flatThreshold: 1 << 20 });
  const few = Math.floor(OWN_COMPONENTS_MAX / DIM);
  await index.apply(puts.slice(0, few));
  const alone = index.search({ ...settings, vector: queryAt(0) });
  await stepEnd();
  expect(engine.stats().searchesInFlight).toBe(0);
  await index.apply(puts.slice(few, few + 1));
  const handed = index.search({ ...settings, vector: queryAt(0) });
  await stepEnd();
  expect(engine.stats().searchesInFlight).toBe(1);
  expect([...(await handed).ids]).toEqual([...(await alone).ids]);
});

test('searches beside a writer, here and on a thread, see whole groups only', async () => {
  let nowMs = 0;
  // Each look at the clock seems to take a millisecond, and no two searches want the same, so that of those of a turn only the first find time here.
  const index = await started({ ...idle, nowMs: () => nowMs++ });
  const written = Promise.all(Array.from({ length: 40 }, (_, group) => index.apply(puts.slice(group * 300, (group + 1) * 300))));
  let searched = 0;
  while (index.publishedStamp() < 40) {
    const answers = Array.from({ length: 8 }, (_, i) => index.search({ ...settings, ef: 40 + i, vector: queryAt((searched + i) % 64) }));
    await stepEnd();
    const handed = engine?.stats().searchesInFlight ?? 0;
    expect(handed).toBeGreaterThan(0);
    expect(handed).toBeLessThan(8);
    const hits = await Promise.all(answers);
    for (const { ids, stamp } of hits) for (const id of ids) expect(id).toBeLessThan(stamp * 300);
    searched += 8;
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  await written;
  expect(searched).toBeGreaterThan(0);
});

test('searches of one step that want the same share a call, and each gets its own answer', async () => {
  let calls = 0;
  const index = await started({ ...idle, nowMs: () => { calls += 1; return 0; } });
  const local = LocalEngine.start({ memoryMaxBytes: 128 << 20 }).openIndex(spec);
  await index.apply(puts);
  local.apply(puts);
  const requests = Array.from({ length: 40 }, (_, i) => ({ ...settings, k: i < 20 ? 5 : 6, vector: queryAt(i) }));
  const answers = requests.map((request) => index.search(request));
  calls = 0;
  await stepEnd();
  // Calls of 16, 4, 16 and 4 queries, with a look at the clock before and after each.
  expect(calls).toBe(8);
  expect(await Promise.all(answers)).toEqual(requests.map((request) => local.search(request)));
});

test('by the clock of this thread', async () => {
  const index = await started(systemThreadTime());
  await index.apply(puts.slice(0, 2_000));
  const [one] = (await index.search({ ...settings, vector: vectors[7] as Float32Array })).ids;
  expect(one).toBe(7);
});

test('a trap in the kernel fails the search and the engine, with its cause', async () => {
  const module = compileKernel();
  const memory = createMemory(256);
  const kernel = instantiateKernel(module, memory);
  kernel.initEngine(256);
  const outOfBounds = 256 * 65_536;
  const died: Error[] = [];
  const own = new OwnSearches({
    kernel: { ...kernel, graphReady: () => 1 }, memory,
    scratch: kernel.allocateScratch(1), ring: kernel.allocateSpan(SINGLE_SLOT_RING_BYTES), spareTime: new SpareTime(idle),
    onLeft: (batch) => { batch.fail(new Error('there was time')); }, onDeath: (error) => died.push(error),
  });
  // The third has settings of its own: its call would have been another.
  const failures = await Promise.all([settings, settings, { ...settings, k: 4 }].map((asked) => new Promise((resolve) => {
    const batch = new SearchBatch({ index: outOfBounds, dim: DIM, queries, settings: asked, places: asked.k, rerankCount: 10, resolve: () => { resolve('answered'); }, reject: resolve });
    expect(own.offer(batch)).toBe(true);
  })));
  expect(failures).toEqual([died[0], died[0], died[0]]);
  expect(died.length).toBe(1);
  expect(died[0]).toBeInstanceOf(EngineFailedError);
  expect(String(died[0]?.cause)).toMatch(/memory access out of bounds/);
});

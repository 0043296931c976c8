import { afterEach, expect, test } from 'vitest';
import { Engine } from './engine.ts';
import type { EngineOptions } from './engine.ts';
import { EngineClosedError, EngineMemoryFullError, EngineOverloadedError } from './errors.ts';
import type { IndexOp } from './index-op.ts';
import { GROUPS_IN_FLIGHT_MAX, SEARCHES_WAITING_MAX, SLOTS_PER_THREAD } from './limits.ts';
import { LocalEngine } from './local-engine.ts';
import type { SearchRequest } from './search-request.ts';
import { oracleDistance } from './test-support/map-oracle.ts';
import { clusteredVectors, uniform } from './test-support/random-vectors.ts';
import type { VectorIndex } from './vector-index.ts';

const DIM = 16;
const SEED = 11;
const spec = { dim: DIM, distance: 'l2', m: 8, efConstruction: 60, seed: 4, flatThreshold: 64 } as const;
const coded = { ...spec, rabitq: { bits: 8, seed: 6 } } as const;
const vectors = clusteredVectors(SEED, 4000, DIM);

let engine: Engine | undefined;
async function start(options: EngineOptions = {}): Promise<Engine> {
  engine = await Engine.start({ memoryMaxBytes: 128 << 20, searchThreadCount: 1, ...options });
  return engine;
}
afterEach(async () => {
  await engine?.close();
  engine = undefined;
});

function puts(from: number, to: number): IndexOp[] {
  return vectors.slice(from, to).map((vector, i) => ({ type: 'put', id: from + i, vector }));
}

function request(vector: Float32Array, k = 5): SearchRequest {
  return { vector, k, ef: 40, path: 'auto' };
}

test.each([['exact', spec], ['rabitq', coded]] as const)('the threads answer as the local engine does on the path %s', async (path, parameters) => {
  const index = await (await start({ searchThreadCount: 2 })).openIndex(parameters);
  const local = LocalEngine.start({ memoryMaxBytes: 128 << 20 }).openIndex(parameters);
  for (let i = 0; i < 1000; i += 100) {
    await index.apply(puts(i, i + 100));
    local.apply(puts(i, i + 100));
  }
  const queries = vectors.slice(1000, 1300).map((vector) => request(vector));
  const hits = await Promise.all(queries.map((query) => index.search(query)));
  expect(hits).toEqual(queries.map((query) => local.search(query)));
  expect(hits.every((hit) => hit.path === path)).toBe(true);
  expect(index.stats()).toEqual(local.stats());
});

/** Moves keys between two ids, so that every group replaces vectors in one step, and remembers every vector an id ever had. */
class Upserts {
  readonly history = new Map<number, Float32Array[]>();
  readonly keys: { id: number; vector: Float32Array }[] = [];
  #spare: number[];
  #next = 0;
  readonly #random = uniform(SEED);

  constructor(keyCount: number) {
    this.#spare = Array.from({ length: keyCount * 2 }, (_, id) => id);
    for (let i = 0; i < keyCount; i++) this.keys.push({ id: -1, vector: new Float32Array() });
  }

  group(size: number): IndexOp[] {
    const freed: number[] = [];
    const ops: IndexOp[] = [];
    const chosen = new Set(Array.from({ length: size }, () => Math.floor(this.#random() * this.keys.length)));
    for (const at of chosen) {
      const key = this.keys[at] as { id: number; vector: Float32Array };
      if (key.id >= 0) {
        ops.push({ type: 'remove', id: key.id });
        freed.push(key.id);
      }
      const id = this.#spare.shift() as number;
      const vector = vectors[this.#next++ % vectors.length] as Float32Array;
      this.history.set(id, [...(this.history.get(id) ?? []), vector]);
      this.keys[at] = { id, vector };
      ops.push({ type: 'put', id, vector });
    }
    this.#spare = [...this.#spare, ...freed];
    return ops;
  }
}

test.each([
  ['exact', spec], ['rabitq', coded],
] as const)('%s searches during upserts see each key once and each distance belongs to a vector that the id had', async (path, parameters) => {
  const keyCount = 150;
  const index = await (await start()).openIndex(parameters);
  const upserts = new Upserts(keyCount);
  for (let filled = false; !filled;) {
    await index.apply(upserts.group(50));
    filled = upserts.keys.every((key) => key.id >= 0);
  }
  const writing = new AbortController();
  let searchCount = 0;
  const stamps = new Set<number>();
  const reader = async (offset: number): Promise<void> => {
    for (let i = offset; !writing.signal.aborted; i = (i + 7) % vectors.length) {
      const query = vectors[i] as Float32Array;
      const whole = searchCount % 4 === 0;
      const hits = await index.search({ vector: query, k: whole ? 300 : 10, ef: 40, path: whole ? 'flat' : path });
      // At every stamp every key has exactly one vector: never none and never both.
      expect(hits.ids.length).toBe(whole ? keyCount : 10);
      hits.ids.forEach((id, at) => {
        const possible = (upserts.history.get(id) ?? []).map((vector) => oracleDistance('l2', query, vector));
        expect(possible.some((distance) => Math.abs(distance - (hits.distances[at] as number)) < 1e-4)).toBe(true);
      });
      stamps.add(hits.stamp);
      searchCount++;
    }
  };
  const readers = [0, 1000, 2000].map((offset) => reader(offset));
  for (let round = 0; round < 150; round++) await index.apply(upserts.group(20));
  writing.abort();
  await Promise.all(readers);
  expect(searchCount).toBeGreaterThan(50);
  expect(stamps.size).toBeGreaterThan(5);
  for (const { id, vector } of upserts.keys) expect((await index.search(request(vector, 1))).ids[0]).toBe(id);
});

test('groups sent without waiting apply in order, recycled ids included', async () => {
  const index = await (await start()).openIndex(spec);
  const groups: IndexOp[][] = [puts(0, 200)];
  for (let i = 0; i < 20; i++) {
    groups.push([{ type: 'remove', id: 5 }]);
    groups.push([{ type: 'put', id: 5, vector: vectors[1000 + i] as Float32Array }, ...puts(200 + i, 201 + i)]);
  }
  await Promise.all(groups.map((ops) => index.apply(ops)));
  expect(index.stats()).toMatchObject({ vectorCount: 220, deletedCount: 0, graph: true });
  expect((await index.search(request(vectors[1019] as Float32Array))).ids[0]).toBe(5);
});

test.each([['exact', spec], ['rabitq', coded]] as const)('stamps start anew without a %s search seeing anything else', async (path, parameters) => {
  const index = await (await start({ rebaseStamp: 12 })).openIndex(parameters);
  await index.apply(puts(0, 300));
  let highest = 0;
  for (let i = 0; i < 60; i++) {
    const searches = Array.from({ length: 5 }, () => index.search({ ...request(vectors[i] as Float32Array, 300), path: 'flat' }));
    await index.apply([{ type: 'remove', id: i }, ...puts(300 + i, 301 + i)]);
    const { ids } = await index.search({ ...request(vectors[i] as Float32Array, 100), ef: 200, path });
    expect(ids).not.toContain(i);
    expect((await index.search({ ...request(vectors[300 + i] as Float32Array, 1), path })).ids[0]).toBe(300 + i);
    for (const hits of await Promise.all(searches)) {
      expect(hits.ids.length).toBe(300);
      highest = Math.max(highest, hits.stamp);
    }
  }
  expect(highest).toBeLessThanOrEqual(12);
  expect(index.stats()).toMatchObject({ vectorCount: 300, deletedCount: 60 });
});

test('quiesce waits for the searches before it and not for those after', async () => {
  const index = await (await start()).openIndex(spec);
  await index.apply(puts(0, 500));
  const settled: string[] = [];
  const before = index.search(request(vectors[0] as Float32Array)).then(() => { settled.push('before'); });
  await index.quiesce();
  expect(settled).toEqual(['before']);
  await before;
  await index.quiesce();
});

test('a group that does not fit is refused and everything else goes on', async () => {
  const index = await (await start({ memoryMaxBytes: 24 << 20 })).openIndex({ ...spec, dim: 2048 });
  const wide = clusteredVectors(3, 2600, 2048);
  const group = (from: number, to: number): IndexOp[] => (
    wide.slice(from, to).map((vector, i) => ({ type: 'put', id: from + i, vector })));
  await index.apply(group(0, 100));
  await expect(index.apply(group(100, 2600))).rejects.toBeInstanceOf(EngineMemoryFullError);
  expect(index.stats().vectorCount).toBe(100);
  expect((await index.search(request(wide[42] as Float32Array))).ids[0]).toBe(42);
  await index.apply([{ type: 'remove', id: 42 }]);
  await index.apply([{ type: 'put', id: 42, vector: wide[1000] as Float32Array }]);
  expect((await index.search(request(wide[1000] as Float32Array))).ids[0]).toBe(42);
});

test('contradicting operations are refused, later groups apply', async () => {
  const index = await (await start()).openIndex(spec);
  await index.apply(puts(0, 10));
  await expect(index.apply([{ type: 'remove', id: 3 }, { type: 'remove', id: 10 }])).rejects.toThrow(/not live/);
  await expect(index.apply(puts(9, 12))).rejects.toThrow(/live/);
  await index.apply(puts(10, 12));
  expect(index.stats().vectorCount).toBe(12);
});

test('more searches and groups than the queues hold are refused, the others answered', async () => {
  const index = await (await start()).openIndex(spec);
  await index.apply(puts(0, 300));
  const capacity = SLOTS_PER_THREAD + SEARCHES_WAITING_MAX;
  const searches = await Promise.allSettled(Array.from({ length: capacity + 10 }, () => index.search(request(vectors[1] as Float32Array))));
  expect(searches.filter(({ status }) => status === 'fulfilled').length).toBe(capacity);
  for (const search of searches) if (search.status === 'rejected') expect(search.reason).toBeInstanceOf(EngineOverloadedError);
  const groups = await Promise.allSettled(Array.from({ length: GROUPS_IN_FLIGHT_MAX + 5 }, (_, i) => index.apply([
    { type: 'put', id: 1000 + i, vector: vectors[2] as Float32Array }])));
  expect(groups.filter(({ status }) => status === 'rejected').length).toBe(5);
  expect(index.stats().vectorCount).toBe(300 + GROUPS_IN_FLIGHT_MAX);
});

test('groups that have no room on the way to the writer wait their turn', async () => {
  const running = await start({ memoryMaxBytes: 512 << 20 });
  const wide = new Float32Array(8192).fill(1);
  const indexes = await Promise.all(Array.from({ length: 3 }, () => running.openIndex({ ...spec, dim: wide.length, flatThreshold: 20_000 })));
  const half: IndexOp[] = Array.from({ length: 4_200 }, (_, id) => ({ type: 'put', id, vector: wide }));
  const settled: string[] = [];
  const groups = indexes.slice(0, 2).flatMap((index, i) => [
    index.apply(half).then(() => settled.push(`${i} puts`)),
    index.apply([{ type: 'remove', id: 4_199 }]).then(() => settled.push(`${i} removes`)),
  ]);
  groups.push((indexes[2] as VectorIndex).apply(half.slice(0, 1)).then(() => settled.push('2 puts')));
  await Promise.all(groups);
  for (const i of [0, 1]) expect(settled.filter((name) => name.startsWith(`${i}`))).toEqual([`${i} puts`, `${i} removes`]);
  expect(indexes.map((index) => index.stats().vectorCount)).toEqual([4_199, 4_199, 1]);
});

test('dropping waits for searches, gives the memory back and refuses later calls', async () => {
  const running = await start();
  const empty = running.stats();
  const index = await running.openIndex(spec);
  await index.apply(puts(0, 1000));
  const searches = Promise.all(vectors.slice(0, 50).map((vector) => index.search(request(vector))));
  const dropped = index.drop();
  await expect(index.search(request(vectors[0] as Float32Array))).rejects.toBeInstanceOf(EngineClosedError);
  expect((await searches).every((hits, i) => hits.ids[0] === i)).toBe(true);
  await dropped;
  await expect(index.apply(puts(0, 1))).rejects.toBeInstanceOf(EngineClosedError);
  expect(running.stats()).toEqual({ ...empty, memoryBytes: running.stats().memoryBytes });
});

test('close answers what is under way and refuses the rest', async () => {
  const running = await start();
  const index = await running.openIndex(spec);
  await index.apply(puts(0, 100));
  const search = index.search(request(vectors[7] as Float32Array));
  const closed = running.close();
  await expect(index.search(request(vectors[7] as Float32Array))).rejects.toBeInstanceOf(EngineClosedError);
  expect((await search).ids[0]).toBe(7);
  await closed;
  await expect(running.openIndex(spec)).rejects.toBeInstanceOf(EngineClosedError);
});

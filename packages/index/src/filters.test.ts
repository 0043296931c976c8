/** Searches under filters against the scan of what they allow. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { IndexOp } from './index-op.ts';
import { LocalEngine, type LocalIndex } from './local-engine.ts';
import type { FilterStrategy, SearchPath } from './search-request.ts';
import { clusteredVectors, uniform } from './test-support/random-vectors.ts';

const DIM = 24;
const SEED = 7;
const COUNT = 10_000;
const K = 10;
const all = clusteredVectors(SEED, COUNT + 60, DIM);
const vectors = all.slice(0, COUNT);
const queries = all.slice(COUNT);

function bitsetOf(ids: Iterable<number>, count = COUNT): Uint32Array {
  const words = new Uint32Array(Math.ceil(count / 32));
  for (const id of ids) words[id >>> 5] = (words[id >>> 5] ?? 0) | (1 << (id & 31));
  return words;
}

let index: LocalIndex;
beforeAll(() => {
  const engine = LocalEngine.start({ memoryMaxBytes: 256 << 20 });
  index = engine.openIndex({ dim: DIM, distance: 'l2', m: 12, efConstruction: 100, seed: 9, flatThreshold: 200, rabitq: { bits: 8, seed: 42 } });
  for (let from = 0; from < COUNT; from += 1_000) index.apply(vectors.slice(from, from + 1_000).map((vector, i): IndexOp => ({ type: 'put', id: from + i, vector })));
});

const squared = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0);

/** `count` ids that have nothing to do with the query, that lie around it, or that lie far from it. */
const KINDS = {
  independent: (_query: Float32Array, count: number): number[] => {
    const next = uniform(SEED + count);
    return Array.from({ length: COUNT }, (_, id) => ({ id, rank: next() })).sort((a, b) => a.rank - b.rank).slice(0, count).map(({ id }) => id);
  },
  correlated: (query: Float32Array, count: number): number[] => byDistance(query).slice(0, count),
  'anti-correlated': (query: Float32Array, count: number): number[] => byDistance(query).slice(-count),
} as const;

function byDistance(query: Float32Array): number[] {
  return vectors.map((vector, id) => ({ id, distance: squared(query, vector) })).sort((a, b) => a.distance - b.distance).map(({ id }) => id);
}

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('%s filters', (kind) => {
  test.each([0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001, 0.0001])('that pass %f of the vectors lose no recall', (share) => {
    let found = 0;
    let wanted = 0;
    for (const vector of queries.slice(0, 30)) {
      const filter = { allowed: bitsetOf(KINDS[kind](vector, Math.max(1, Math.round(COUNT * share)))) };
      const truth = new Set(index.search({ vector, k: K, ef: 100, path: 'flat', filter }).ids);
      const { ids } = index.search({ vector, k: K, ef: 100, path: 'auto', filter });
      expect(ids.length).toBe(truth.size);
      wanted += truth.size;
      for (const id of ids) if (truth.has(id)) found += 1;
    }
    expect(found / wanted, `seed ${SEED}`).toBeGreaterThanOrEqual(0.95);
  });
});

test('whatever the filter, path and strategy, answers are allowed, nearest first, and complete where fewer than k pass', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(COUNT - 1), { maxLength: 300 }),
      fc.constantFrom<SearchPath>('auto', 'exact', 'rabitq', 'flat'),
      fc.constantFrom<FilterStrategy | undefined>(undefined, 'scan', 'two-hop', 'gated'),
      fc.integer({ min: 1, max: 40 }),
      fc.nat(queries.length - 1),
      (ids, path, strategy, k, query) => {
        const allowed = new Set(ids);
        const vector = queries[query] as Float32Array;
        const hits = index.search({ vector, k, ef: 64, path, filter: { allowed: bitsetOf(allowed), ...(strategy === undefined ? {} : { strategy }) } });
        expect(hits.ids.every((id) => allowed.has(id))).toBe(true);
        expect(hits.ids.length).toBe(Math.min(k, allowed.size));
        expect([...hits.distances]).toEqual([...hits.distances].sort((a, b) => a - b));
        hits.ids.forEach((id, i) => expect(hits.distances[i]).toBeCloseTo(Math.sqrt(squared(vector, vectors[id] as Float32Array)), 3));
      },
    ),
    { numRuns: 200 },
  );
});

test('a search with the stamp of its filter sees the index of that moment', () => {
  const engine = LocalEngine.start({ memoryMaxBytes: 64 << 20 });
  for (const count of [50, 1_000]) {
    const small = engine.openIndex({ dim: DIM, distance: 'l2', m: 12, efConstruction: 100, seed: 9, flatThreshold: 200, rabitq: { bits: 8, seed: 42 } });
    small.apply(vectors.slice(0, count).map((vector, id): IndexOp => ({ type: 'put', id, vector })));
    const filter = { allowed: bitsetOf(Array.from({ length: count }, (_, id) => id), 2 * count) };
    const stamped = { ...filter, stamp: small.publishedStamp() };
    const vector = vectors[0] as Float32Array;
    // An upsert gives the vector another id, which no bit of the filter knows.
    small.apply([{ type: 'remove', id: 0 }, { type: 'put', id: count, vector }]);
    expect(small.search({ vector, k: 1, ef: 50, path: 'flat', filter: stamped }).ids[0]).toBe(0);
    expect(small.search({ vector, k: 1, ef: 50, path: 'flat', filter }).ids[0]).not.toBe(0);
    expect(small.search({ vector, k: 1, ef: 50, path: 'flat', filter: { ...filter, stamp: small.publishedStamp() } }).ids[0]).not.toBe(0);
    small.drop();
  }
});

import { expect, test } from 'vitest';
import type { IndexOp } from './index-op.ts';
import type { Distance, IndexSpec } from './index-spec.ts';
import { LocalEngine } from './local-engine.ts';
import type { LocalIndex } from './local-engine.ts';
import { clusteredVectors, uniform } from './test-support/random-vectors.ts';

const DIM = 24;
const SEED = 42;

function spec(distance: Distance) {
  return { dim: DIM, distance, m: 12, efConstruction: 100, seed: 9, flatThreshold: 200 } as const;
}

function puts(vectors: readonly Float32Array[], firstId = 0): IndexOp[] {
  return vectors.map((vector, i) => ({ type: 'put', id: firstId + i, vector }));
}

/** Mean share of the ten nearest found by the graph, with the index's own scan as the truth. */
function recallAt10(index: LocalIndex, queries: readonly Float32Array[], ef: number, path: 'exact' | 'rabitq' = 'exact'): number {
  let found = 0;
  for (const vector of queries) {
    const truth = new Set(index.search({ vector, k: 10, ef: 10, path: 'flat' }).ids);
    const hits = index.search({ vector, k: 10, ef, path });
    expect(hits.path).toBe(path);
    for (const id of hits.ids) if (truth.has(id)) found++;
  }
  return found / (10 * queries.length);
}

/** How much recall ten rounds, each replacing three tenths of the vectors, leave below that of a fresh build, per beam width. */
function recallLost(parameters: IndexSpec, seed: number, path: 'exact' | 'rabitq'): number[] {
  const engine = LocalEngine.start({ memoryMaxBytes: 256 << 20 });
  const count = 2000;
  const all = clusteredVectors(seed, count * 4 + 200, DIM);
  const queries = all.slice(-200);
  const next = uniform(seed);
  const index = engine.openIndex(parameters);
  const held = new Map(all.slice(0, count).map((vector, id) => [id, vector]));
  index.apply(puts(all.slice(0, count)));
  let unseen = count;
  for (let round = 0; round < 10; round++) {
    const victims = [...held.keys()].filter(() => next() < 0.3);
    index.apply(victims.map((id) => ({ type: 'remove', id })));
    index.apply(victims.map((id) => {
      const vector = all[unseen++ % (count * 4)] as Float32Array;
      held.set(id, vector);
      return { type: 'put', id, vector };
    }));
  }
  const fresh = engine.openIndex(parameters);
  fresh.apply(puts([...held.values()]));
  return [24, 48, 96].map((ef) => recallAt10(fresh, queries, ef, path) - recallAt10(index, queries, ef, path));
}

test.each([
  ['cosine', 'exact'], ['l2', 'exact'], ['dot', 'exact'], ['cosine', 'rabitq'], ['l2', 'rabitq'], ['dot', 'rabitq'],
] as const)('%s on %s: after ten rounds of churn recall is that of a fresh build', (distance, path) => {
  const parameters = { ...spec(distance), ...(path === 'rabitq' ? { rabitq: { bits: 8, seed: SEED } } as const : {}) };
  // One set of data moves recall by up to a point either way on inner products; the mean of three shows a loss.
  const seeds = [SEED, SEED + 1, SEED + 2];
  const lost = seeds.map((seed) => recallLost(parameters, seed, path));
  for (const at of [0, 1, 2]) {
    const mean = lost.reduce((sum, byWidth) => sum + (byWidth[at] as number), 0) / seeds.length;
    expect(mean, `seeds ${seeds.join()}, beam width ${at}`).toBeLessThan(0.005);
  }
});

test.each(['cosine', 'l2', 'dot'] as const)('%s: building and searching on 8-bit codes costs no recall', (distance) => {
  const engine = LocalEngine.start({ memoryMaxBytes: 128 << 20 });
  const all = clusteredVectors(SEED, 4200, DIM);
  const plain = engine.openIndex(spec(distance));
  const coded = engine.openIndex({ ...spec(distance), rabitq: { bits: 8, seed: SEED } });
  for (const index of [plain, coded]) index.apply(puts(all.slice(0, 4000)));
  for (const ef of [16, 32, 64]) {
    const reference = recallAt10(plain, all.slice(4000), ef);
    expect(recallAt10(coded, all.slice(4000), ef, 'rabitq'), `seed ${SEED}, ef ${ef}`).toBeGreaterThan(reference - 0.01);
  }
});

test('with nine tenths removed and never put again the rest is still found', () => {
  const engine = LocalEngine.start({ memoryMaxBytes: 128 << 20 });
  const all = clusteredVectors(SEED, 3200, DIM);
  const index = engine.openIndex(spec('l2'));
  index.apply(puts(all.slice(0, 3000)));
  index.apply(all.slice(0, 3000).flatMap((_, id): IndexOp[] => (id % 10 === 0 ? [] : [{ type: 'remove', id }])));
  expect(index.stats()).toMatchObject({ vectorCount: 300, deletedCount: 2700, graph: true });
  const recall = recallAt10(index, all.slice(3000), 32);
  expect(recall, `seed ${SEED}`).toBeGreaterThan(0.97);
});

test('the neighbourhood of every query can be removed, entry point included, down to nothing and up again', () => {
  const engine = LocalEngine.start({ memoryMaxBytes: 128 << 20 });
  const all = clusteredVectors(SEED, 1000, DIM);
  const index = engine.openIndex({ ...spec('l2'), flatThreshold: 0 });
  index.apply(puts(all));
  for (let left = 1000; left > 0;) {
    const { ids } = index.search({ vector: all[0] as Float32Array, k: 100, ef: 100, path: 'exact' });
    expect(ids.length).toBe(Math.min(100, left));
    index.apply(Array.from(ids, (id) => ({ type: 'remove', id })));
    left -= ids.length;
  }
  expect(index.stats()).toMatchObject({ vectorCount: 0, deletedCount: 1000, linkedCount: 0 });
  expect(index.search({ vector: all[0] as Float32Array, k: 10, ef: 10, path: 'auto' }).ids.length).toBe(0);
  index.apply(puts(all));
  expect(index.stats()).toMatchObject({ vectorCount: 1000, deletedCount: 0, linkedCount: 1000 });
  expect(recallAt10(index, clusteredVectors(SEED + 1, 100, DIM), 64)).toBeGreaterThan(0.95);
});

test('equal vectors do not cut the graph apart', () => {
  const engine = LocalEngine.start({ memoryMaxBytes: 128 << 20 });
  const distinct = clusteredVectors(SEED, 1000, DIM);
  const same = distinct[0] as Float32Array;
  const index = engine.openIndex({ ...spec('l2'), flatThreshold: 0 });
  index.apply(puts([...Array.from({ length: 1000 }, () => same), ...distinct]));
  let found = 0;
  distinct.slice(1).forEach((vector, i) => {
    if (index.search({ vector, k: 1, ef: 32, path: 'exact' }).ids[0] === 1001 + i) found++;
  });
  expect(found / 999, `seed ${SEED}`).toBeGreaterThan(0.99);
});

test('the same operations make the same graph, whatever the index lived beside', () => {
  const digestOf = (engine: LocalEngine, bits?: 4 | 8): bigint => {
    const index = engine.openIndex({ ...spec('l2'), ...(bits === undefined ? {} : { rabitq: { bits, seed: 2 } }) });
    const all = clusteredVectors(SEED, 1500, DIM);
    for (let i = 0; i < 1200; i += 100) index.apply(puts(all.slice(i, i + 100), i));
    index.apply(Array.from({ length: 100 }, (_, i) => ({ type: 'remove', id: i * 7 })));
    index.apply(Array.from({ length: 50 }, (_, i) => ({ type: 'put', id: i * 7, vector: all[1200 + i] as Float32Array })));
    index.apply(puts(all.slice(1250), 1200));
    return index.graphDigest();
  };
  const crowded = LocalEngine.start({ memoryMaxBytes: 128 << 20 });
  const other = crowded.openIndex(spec('dot'));
  other.apply(puts(clusteredVectors(1, 700, DIM)));
  const digest = digestOf(LocalEngine.start({ memoryMaxBytes: 128 << 20 }));
  expect(digestOf(crowded)).toBe(digest);
  expect(digestOf(crowded, 4)).toBe(digestOf(LocalEngine.start({ memoryMaxBytes: 128 << 20 }), 4));
  expect(digestOf(crowded, 8)).toBe(digestOf(LocalEngine.start({ memoryMaxBytes: 128 << 20 }), 8));
  other.apply([{ type: 'remove', id: 3 }]);
  expect(other.graphDigest()).not.toBe(digest);
});

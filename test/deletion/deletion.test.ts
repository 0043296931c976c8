import { clusteredVectors } from '@shoal/bench';
import { LocalEngine } from '@shoal/index';
import type { IndexOp, LocalIndex } from '@shoal/index';
import { expect, it } from 'vitest';

const DIM = 32;
const COUNT = 3_000;
const SEED = 5;
const QUERIES = 100;
const all = clusteredVectors({ seed: SEED, count: COUNT + QUERIES, dim: DIM, intrinsicDim: 16, clusterCount: 30 });
const vectorAt = (row: number): Float32Array => all.subarray(row * DIM, (row + 1) * DIM);
const queries = Array.from({ length: QUERIES }, (_, query) => vectorAt(COUNT + query));
const ids = Array.from({ length: COUNT }, (_, id) => id);
const puts = (from: readonly number[]): IndexOp[] => from.map((id) => ({ type: 'put', id, vector: vectorAt(id) }));
const removes = (from: readonly number[]): IndexOp[] => from.map((id) => ({ type: 'remove', id }));

function open(): LocalIndex {
  return LocalEngine.start({ memoryMaxBytes: 128 << 20 }).openIndex({
    dim: DIM, distance: 'l2', m: 12, efConstruction: 100, seed: SEED, flatThreshold: 0, rabitq: { bits: 8, seed: SEED } });
}

/** Mean share of the ten nearest found on the graph, by the index's own scan; every search returns k where k live. */
function recallOf(index: LocalIndex): number {
  let found = 0;
  for (const vector of queries) {
    const truth = new Set(index.search({ vector, k: 10, ef: 10, path: 'flat' }).ids);
    const hits = index.search({ vector, k: 10, ef: 64, path: 'rabitq' });
    expect(hits.path).toBe('rabitq');
    expect(hits.ids.length).toBe(10);
    for (const id of hits.ids) if (truth.has(id)) found++;
  }
  return found / (10 * queries.length);
}

it('with 99 of 100 removed the rest is found', () => {
  const index = open();
  index.apply(puts(ids));
  index.apply(removes(ids.filter((id) => id % 100 !== 0)));
  expect(index.stats()).toMatchObject({ vectorCount: COUNT / 100, linkedCount: COUNT / 100 });
  expect(index.unreachableCount()).toBe(0);
  expect(recallOf(index), `seed ${SEED}`).toBeGreaterThan(0.99);
});

it('all removed and put again, over and over, leaves a whole graph in the same memory', () => {
  const index = open();
  index.apply(puts(ids));
  const before = index.stats();
  for (let round = 0; round < 3; round++) {
    index.apply(removes(ids));
    expect(index.search({ vector: queries[0] as Float32Array, k: 10, ef: 64, path: 'rabitq' }).ids.length).toBe(0);
    index.apply(puts(ids));
  }
  expect(index.stats()).toEqual(before);
  expect(index.unreachableCount()).toBe(0);
  expect(recallOf(index), `seed ${SEED}`).toBeGreaterThan(0.97);
});

it('the entry point can be removed again and again', () => {
  const index = open();
  index.apply(puts(ids));
  const left = new Set(ids);
  while (left.size > 20) {
    const entry = index.entryId() as number;
    expect(left.delete(entry), `entry ${entry} lives`).toBe(true);
    index.apply(removes([entry]));
    if (left.size % 250 !== 0) continue;
    expect(index.unreachableCount()).toBe(0);
    expect(recallOf(index), `seed ${SEED}, ${left.size} left`).toBeGreaterThan(0.95);
  }
  index.apply(removes([...left]));
  index.apply(puts(ids));
  expect(recallOf(index), `seed ${SEED}`).toBeGreaterThan(0.97);
});

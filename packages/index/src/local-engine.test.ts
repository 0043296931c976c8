import { expect, test } from 'vitest';
import { EngineMemoryFullError } from './errors.ts';
import type { IndexOp } from './index-op.ts';
import { LocalEngine } from './local-engine.ts';
import { clusteredVectors } from './test-support/random-vectors.ts';

const DIM = 32;
const spec = { dim: DIM, distance: 'l2', m: 8, efConstruction: 40, seed: 1, flatThreshold: 100 } as const;
const vectors = clusteredVectors(5, 2000, DIM);

function puts(from: number, to: number): IndexOp[] {
  return vectors.slice(from, to).map((vector, i) => ({ type: 'put', id: from + i, vector }));
}

test('a group that does not fit changes nothing, and what was there stays searchable', () => {
  const engine = LocalEngine.start({ memoryMaxBytes: 4 << 20 });
  const index = engine.openIndex(spec);
  const refused = engine.openIndex({ ...spec, dim: 1024 });
  const wide = clusteredVectors(6, 2000, 1024);
  let applied = 0;
  expect(() => {
    for (;; applied += 50) {
      refused.apply(wide.slice(applied, applied + 50).map((vector, i) => ({ type: 'put', id: applied + i, vector })));
      if (applied === 0) index.apply(puts(0, 120));
    }
  }).toThrow(EngineMemoryFullError);
  expect(applied).toBeGreaterThan(100);
  const before = refused.graphDigest();
  expect(() => { refused.apply(wide.map((vector, i) => ({ type: 'put', id: applied + i, vector }))); }).toThrow(EngineMemoryFullError);
  expect(refused.graphDigest()).toBe(before);
  expect(refused.stats().vectorCount).toBe(applied);
  for (const id of [0, applied - 1]) {
    expect(refused.search({ vector: wide[id] as Float32Array, k: 1, ef: 20, path: 'auto' }).ids[0]).toBe(id);
  }
  expect(refused.search({ vector: wide[applied] as Float32Array, k: applied + 5, ef: 20, path: 'flat' }).ids.length).toBe(applied);
  refused.apply(Array.from({ length: 60 }, (_, id) => ({ type: 'remove', id })));
  refused.apply(Array.from({ length: 60 }, (_, id) => ({ type: 'put', id, vector: wide[applied + id] as Float32Array })));
  expect(refused.search({ vector: wide[applied] as Float32Array, k: 1, ef: 20, path: 'auto' }).ids[0]).toBe(0);
  refused.drop();
  index.apply(puts(120, 2000));
  expect(index.stats().vectorCount).toBe(2000);
});

test('indexes made and dropped a thousand times take no more memory than the first', () => {
  const engine = LocalEngine.start({ memoryMaxBytes: 64 << 20 });
  const cycle = (i: number): void => {
    const index = engine.openIndex({ ...spec, dim: 1 + (i % DIM) });
    const dim = 1 + (i % DIM);
    index.apply(vectors.slice(0, 20 + (i % 150)).map((vector, id) => ({ type: 'put', id, vector: vector.subarray(0, dim) })));
    index.drop();
  };
  const empty = engine.stats().usedBytes;
  for (let i = 0; i < 160; i++) cycle(i);
  const grown = engine.stats().memoryBytes;
  for (let i = 0; i < 1000; i++) cycle(i);
  expect(engine.stats()).toEqual({ indexCount: 0, usedBytes: empty, memoryBytes: grown });
});

test('two thousand tiny indexes cost little more than their vectors', () => {
  const engine = LocalEngine.start({ memoryMaxBytes: 256 << 20 });
  const empty = engine.stats().usedBytes;
  const indexes = Array.from({ length: 2000 }, (_, i) => {
    const index = engine.openIndex(spec);
    index.apply(vectors.slice(i % 1000, (i % 1000) + 100).map((vector, id) => ({ type: 'put', id, vector })));
    return index;
  });
  const bytesPerVector = (engine.stats().usedBytes - empty) / 200_000;
  expect(bytesPerVector).toBeLessThan(2 * (DIM * 4 + 16));
  indexes.forEach((index, i) => {
    expect(index.search({ vector: vectors[(i % 1000) + 7] as Float32Array, k: 1, ef: 10, path: 'auto' }).ids[0]).toBe(7);
  });
});

test('a flat index that grows past its threshold is searched flat until every vector is linked', () => {
  const engine = LocalEngine.start({ memoryMaxBytes: 64 << 20 });
  const index = engine.openIndex(spec);
  const paths = new Set<string>();
  let readyAt = 0;
  for (let i = 0; i < 200; i++) {
    index.apply(puts(i, i + 1));
    const hits = index.search({ vector: vectors[i] as Float32Array, k: 1, ef: 40, path: 'exact' });
    expect(hits.ids[0]).toBe(i);
    paths.add(hits.path);
    expect(hits.path).toBe(index.stats().graph ? 'exact' : 'flat');
    expect(index.stats().graph).toBe(index.stats().linkedCount === i + 1);
    if (readyAt === 0 && index.stats().graph) readyAt = i + 1;
  }
  expect([...paths]).toEqual(['flat', 'exact']);
  // From the 101st put on each links eight: the backlog is gone when 8 n >= 100 + n.
  expect(readyAt).toBe(115);
});

test('ids may be far apart', () => {
  const engine = LocalEngine.start({ memoryMaxBytes: 64 << 20 });
  const index = engine.openIndex({ ...spec, dim: 4, flatThreshold: 2 });
  const far = [100_000, 3, 77_777, 5, 120_000, 50];
  for (const [i, id] of far.entries()) index.apply([{ type: 'put', id, vector: Float32Array.of(i, 0, 0, 1) }]);
  expect(index.stats()).toMatchObject({ vectorCount: 6, linkedCount: 6, graph: true });
  const hits = index.search({ vector: Float32Array.of(0, 0, 0, 1), k: 6, ef: 10, path: 'exact' });
  expect([...hits.ids]).toEqual(far);
  expect([...hits.distances]).toEqual([0, 1, 2, 3, 4, 5]);
});

test('many queries in one call give the same answers as one by one', () => {
  const engine = LocalEngine.start({ memoryMaxBytes: 64 << 20 });
  const index = engine.openIndex(spec);
  index.apply(puts(0, 1500));
  const queries = new Float32Array(20 * DIM);
  for (let i = 0; i < 20; i++) queries.set(vectors[1500 + i] as Float32Array, i * DIM);
  const many = index.searchMany(queries, { k: 7, ef: 30, path: 'auto' });
  expect(many).toEqual(Array.from({ length: 20 }, (_, i) => (
    index.search({ vector: vectors[1500 + i] as Float32Array, k: 7, ef: 30, path: 'auto' }))));
});

test('operations that contradict the index are refused as a whole', () => {
  const index = LocalEngine.start({ memoryMaxBytes: 64 << 20 }).openIndex(spec);
  index.apply(puts(0, 3));
  const vector = vectors[9] as Float32Array;
  expect(() => { index.apply([{ type: 'put', id: 9, vector }, { type: 'put', id: 2, vector }]); }).toThrow(/live/);
  expect(() => { index.apply([{ type: 'remove', id: 1 }, { type: 'put', id: 1, vector }]); }).toThrow(/removes it/);
  expect(() => { index.apply([{ type: 'remove', id: 1 }, { type: 'remove', id: 1 }]); }).toThrow(/not live/);
  expect(() => { index.apply([{ type: 'remove', id: 3 }]); }).toThrow(/not live/);
  expect(() => { index.apply([{ type: 'put', id: 4, vector: new Float32Array(3) }]); }).toThrow(/dimension/);
  expect(index.stats()).toMatchObject({ vectorCount: 3, deletedCount: 0 });
});

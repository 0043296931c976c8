import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { IndexOp } from './index-op.ts';
import type { CodeBits, Distance } from './index-spec.ts';
import { LocalEngine } from './local-engine.ts';
import type { LocalIndex } from './local-engine.ts';
import { MapOracle, recallOf } from './test-support/map-oracle.ts';
import { clusteredVectors } from './test-support/random-vectors.ts';

const DIM = 6;
const K = 5;
const pool = clusteredVectors(7, 600, DIM);

/** A group: numbers that choose, against the ids then live, free or new, what each operation does. */
const groups = fc.array(fc.array(fc.tuple(fc.nat(9), fc.nat(599), fc.nat()), { minLength: 1, maxLength: 60, size: 'max' }),
  { minLength: 1, maxLength: 12, size: 'max' });

/** Turns the choices into valid operations: mostly puts of new ids, some of freed ids, some removes. */
class OpsMaker {
  readonly live: number[] = [];
  readonly freed: number[] = [];
  #next = 0;

  make(choices: readonly (readonly [number, number, number])[]): IndexOp[] {
    const removed: number[] = [];
    const ops = choices.flatMap(([kind, vector, pick]): IndexOp[] => {
      if (kind < 3 && this.live.length > 0) {
        const [id] = this.live.splice(pick % this.live.length, 1) as [number];
        removed.push(id);
        return [{ type: 'remove', id }];
      }
      const recycled = kind < 5 && this.freed.length > 0;
      const id = recycled ? this.freed.splice(pick % this.freed.length, 1)[0] as number : this.#next++;
      this.live.push(id);
      return [{ type: 'put', id, vector: pool[vector] as Float32Array }];
    });
    this.freed.push(...removed);
    return ops;
  }
}

let engine: LocalEngine;
beforeAll(() => { engine = LocalEngine.start({ memoryMaxBytes: 64 << 20 }); });
const recalls: number[] = [];
afterAll(() => {
  const mean = recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
  expect(recalls.length).toBeGreaterThan(100);
  expect(mean).toBeGreaterThan(0.95);
});

function checkSearches(index: LocalIndex, oracle: MapOracle, query: Float32Array, path: 'exact' | 'rabitq'): void {
  const truth = oracle.search(query, K);
  const distanceOf = (id: number): number | undefined => oracle.distanceOf(query, id);
  const flat = index.search({ vector: query, k: K, ef: K, path: 'flat' });
  expect(recallOf([...flat.ids], truth, distanceOf)).toBe(1);
  expect(flat.ids.length).toBe(truth.length);
  const graph = index.search({ vector: query, k: K, ef: 40, path });
  expect(graph.ids.length).toBe(truth.length);
  expect(new Set(graph.ids).size).toBe(graph.ids.length);
  graph.ids.forEach((id, i) => {
    expect(oracle.vectors.has(id)).toBe(true);
    const want = distanceOf(id) as number;
    expect(Math.abs((graph.distances[i] as number) - want)).toBeLessThan(1e-4 * Math.max(1, Math.abs(want)));
    if (i > 0) expect(graph.distances[i]).toBeGreaterThanOrEqual(graph.distances[i - 1] as number);
  });
  if (graph.path === path && truth.length > 0) recalls.push(recallOf([...graph.ids], truth, distanceOf));
}

/** Asked in one call, where some walk in step, as asked one by one. */
function checkTogether(index: LocalIndex, first: number, path: 'exact' | 'rabitq' | 'auto' | 'flat'): void {
  const queries = Array.from({ length: 1 + first % 9 }, (_, i) => pool[(first + 31 * i) % pool.length] as Float32Array);
  const settings = { k: K, ef: 12, path };
  const together = index.searchMany(Float32Array.from(queries.flatMap((query) => [...query])), settings);
  expect(together).toEqual(queries.map((vector) => index.search({ ...settings, vector })));
}

function agreesWithMap(distance: Distance, run: Parameters<OpsMaker['make']>[0][], flatThreshold: number, bits?: CodeBits): void {
  const rabitq = bits === undefined ? {} : { rabitq: { bits, seed: 5 } };
  const index = engine.openIndex({ dim: DIM, distance, m: 6, efConstruction: 40, seed: 3, flatThreshold, ...rabitq });
  const oracle = new MapOracle(distance);
  const maker = new OpsMaker();
  for (const choices of run) {
    const ops = maker.make(choices);
    index.apply(ops);
    oracle.apply(ops);
    const queries = [pool[choices.length * 7] as Float32Array, pool[(choices[0] as [number, number, number])[1]] as Float32Array];
    for (const query of queries) {
      checkSearches(index, oracle, query, 'exact');
      if (bits !== undefined) checkSearches(index, oracle, query, 'rabitq');
    }
    for (const path of ['exact', 'auto', 'flat', ...(bits === undefined ? [] : ['rabitq' as const])] as const) checkTogether(index, choices.length * 11, path);
    expect(index.stats().vectorCount).toBe(oracle.vectors.size);
  }
  index.drop();
}

test.each(['cosine', 'l2', 'dot'] as const)('%s: whatever is put, removed and put again, searches agree with a Map', (distance: Distance) => {
  fc.assert(fc.property(groups, fc.constantFrom(0, 10, 50), (run, flatThreshold) => {
    agreesWithMap(distance, run, flatThreshold);
  }), { numRuns: 25 });
});

test.each(['cosine', 'l2', 'dot'] as const)('%s: so do searches on codes of any width', (distance: Distance) => {
  fc.assert(fc.property(groups, fc.constantFrom(0, 10, 80), fc.constantFrom(1, 2, 4, 8), (run, flatThreshold, bits) => {
    agreesWithMap(distance, run, flatThreshold, bits);
  }), { numRuns: 30 });
});

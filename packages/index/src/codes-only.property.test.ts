import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import type { IndexOp } from './index-op.ts';
import type { CodeBits, Distance, IndexSpec } from './index-spec.ts';
import { LocalEngine } from './local-engine.ts';
import type { LocalIndex } from './local-engine.ts';
import { MapOracle, recallOf } from './test-support/map-oracle.ts';
import { clusteredVectors } from './test-support/random-vectors.ts';

const DIM = 12;
const K = 5;
const pool = clusteredVectors(11, 900, DIM);

let engine: LocalEngine;
let directory: string;
beforeAll(async () => {
  engine = LocalEngine.start({ memoryMaxBytes: 128 << 20 });
  directory = await mkdtemp(join(tmpdir(), 'shoal-codes-'));
});
const walks: number[] = [];
const scans: number[] = [];
afterAll(async () => {
  await rm(directory, { recursive: true });
  const mean = (recalls: readonly number[]): number => recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
  expect(Math.min(walks.length, scans.length)).toBeGreaterThan(100);
  expect(mean(walks)).toBeGreaterThan(0.95);
  // A scan answers what the errors of its estimates, as far as it met them, leave no doubt about.
  expect(mean(scans)).toBeGreaterThan(0.995);
});

function specOf(distance: Distance, bits: CodeBits, flatThreshold: number, dim = DIM): IndexSpec {
  return { dim, distance, m: 6, efConstruction: 40, seed: 3, flatThreshold, rabitq: { bits, seed: 5, memory: 'codes' } };
}

/** Each step removes some, puts some under new ids and some under ids freed by an earlier step. */
class Life {
  readonly oracle: MapOracle;
  readonly #live: number[] = [];
  #freed: number[] = [];
  #next = 0;

  constructor(distance: Distance) {
    this.oracle = new MapOracle(distance);
  }

  step(choices: readonly (readonly [number, number, number])[]): IndexOp[] {
    const removed: number[] = [];
    const ops = choices.flatMap(([kind, vector, pick]): IndexOp[] => {
      if (kind < 3 && this.#live.length > 0) {
        const [id] = this.#live.splice(pick % this.#live.length, 1) as [number];
        removed.push(id);
        return [{ type: 'remove', id }];
      }
      const recycled = kind < 5 ? this.#freed.pop() : undefined;
      const id = recycled ?? this.#next++;
      this.#live.push(id);
      return [{ type: 'put', id, vector: pool[vector] as Float32Array }];
    });
    this.#freed = [...this.#freed, ...removed];
    this.oracle.apply(ops);
    return ops;
  }
}

const steps = fc.array(fc.array(fc.tuple(fc.nat(9), fc.nat(899), fc.nat()), { minLength: 1, maxLength: 90, size: 'max' }), { minLength: 1, maxLength: 10, size: 'max' });

function checkSearch(index: LocalIndex, oracle: MapOracle, query: Float32Array, path: 'auto' | 'exact' | 'flat'): void {
  const truth = oracle.search(query, K);
  const distanceOf = (id: number): number | undefined => oracle.distanceOf(query, id);
  const hits = index.search({ vector: query, k: K, ef: 40, path });
  expect(hits.ids.length).toBe(truth.length);
  expect(new Set(hits.ids).size).toBe(hits.ids.length);
  hits.ids.forEach((id, i) => {
    const want = distanceOf(id);
    expect(want).toBeDefined();
    expect(Math.abs((hits.distances[i] as number) - (want as number))).toBeLessThan(1e-5 * Math.max(1, Math.abs(want as number)));
    if (i > 0) expect(hits.distances[i]).toBeGreaterThanOrEqual(hits.distances[i - 1] as number);
  });
  if (truth.length > 0) (hits.path === 'flat' ? scans : walks).push(recallOf([...hits.ids], truth, distanceOf));
}

test.each(['cosine', 'l2', 'dot'] as const)('%s: an index that keeps codes alone answers exact distances of what lives, whatever is put, removed and put again', (distance) => {
  fc.assert(fc.property(steps, fc.constantFrom(0, 30, 200), fc.constantFrom<CodeBits>(1, 2, 4, 8), (run, flatThreshold, bits) => {
    const life = new Life(distance);
    const index = engine.openIndex(specOf(distance, bits, flatThreshold), (id) => life.oracle.vectors.get(id));
    for (const choices of run) {
      index.apply(life.step(choices));
      for (const query of [pool[choices.length * 7] as Float32Array, pool[(choices[0] as [number, number, number])[1]] as Float32Array]) {
        for (const path of ['auto', 'exact', 'flat'] as const) checkSearch(index, life.oracle, query, path);
      }
      expect(index.stats().vectorCount).toBe(life.oracle.vectors.size);
    }
    index.drop();
  }), { numRuns: 30 });
});

describe.each([['l2', 8], ['cosine', 8], ['dot', 8], ['l2', 4], ['cosine', 1]] as const)('%s, %i bits, 3,000 vectors', (distance, bits) => {
  const vectors = clusteredVectors(5, 3_100, 48);
  const ops = vectors.slice(0, 3_000).map((vector, id): IndexOp => ({ type: 'put', id, vector }));
  const lookup = (id: number): Float32Array | undefined => vectors[id];

  function filledWith(spec: IndexSpec): LocalIndex {
    const index = engine.openIndex(spec, lookup);
    for (let start = 0; start < ops.length; start += 200) index.apply(ops.slice(start, start + 200));
    return index;
  }

  it('takes a fraction of the memory, and finds as much, with a filter too', () => {
    const codes = filledWith(specOf(distance, bits, 100, 48));
    const full = filledWith({ ...specOf(distance, bits, 100, 48), rabitq: { bits, seed: 5 } });
    expect(full.stats().memoryBytes - codes.stats().memoryBytes).toBeGreaterThan(0.9 * 3_000 * 48 * 4);
    const allowed = new Uint32Array(3_000 / 32 + 1).map((_, word) => (word % 2 === 0 ? 0x5555_5555 : 0));
    for (const filter of [undefined, { allowed }, { allowed, strategy: 'scan' }, { allowed, strategy: 'gated' }, { allowed, strategy: 'two-hop' }] as const) {
      const found = [0, 0];
      for (const vector of vectors.slice(3_000)) {
        const request = { vector, k: 10, ef: 100, ...(filter === undefined ? {} : { filter }) };
        const truth = new Set(full.search({ ...request, path: 'flat' }).ids);
        [codes, full].forEach((index, i) => {
          for (const id of index.search({ ...request, path: 'auto' }).ids) found[i] = (found[i] ?? 0) + Number(truth.has(id));
        });
      }
      const [byCodes = 0, byBoth = 0] = found;
      if (distance !== 'dot') expect(byCodes).toBeGreaterThan(bits === 1 ? 900 : 950);
      expect(byCodes).toBeGreaterThanOrEqual(byBoth - 20);
    }
    codes.drop();
    full.drop();
  });

  it('is the same after a file, which holds no vector', async () => {
    const spec = specOf(distance, bits, 100, 48);
    const index = filledWith(spec);
    index.apply([{ type: 'remove', id: 7 }]);
    const path = join(directory, `${distance}-${bits}`);
    const byteCount = await index.exportTo(path);
    expect(byteCount).toBeLessThan(3_000 * (16 + 16 + 48 * bits / 8 + 16 + 4 + 4 * 12 + 40));
    const read = await engine.importIndex(spec, path, lookup);
    expect(read.graphDigest()).toBe(index.graphDigest());
    for (const each of [index, read]) each.apply([{ type: 'put', id: 3_000, vector: vectors[3_000] as Float32Array }, { type: 'remove', id: 11 }]);
    expect(read.graphDigest()).toBe(index.graphDigest());
    for (const vector of vectors.slice(3_000, 3_020)) {
      for (const path of ['auto', 'flat'] as const) {
        const [a, b] = [read, index].map((each) => each.search({ vector, k: 10, ef: 60, path }));
        expect({ ...a, stamp: 0 }).toEqual({ ...b, stamp: 0 });
      }
    }
    await expect(engine.importIndex({ ...spec, rabitq: { bits, seed: 5 } }, path)).rejects.toThrow(/other parameters/);
    index.drop();
    read.drop();
  });
});

it('finds the others where most vectors are equal', () => {
  const vectors = clusteredVectors(9, 400, DIM);
  const twin = vectors[0] as Float32Array;
  const vectorOf = (id: number): Float32Array => (id < 400 ? vectors[id] as Float32Array : twin);
  const index = engine.openIndex(specOf('cosine', 8, 0), vectorOf);
  for (let start = 0; start < 2_000; start += 100) index.apply(Array.from({ length: 100 }, (_, i) => ({ type: 'put', id: start + i, vector: vectorOf(start + i) })));
  for (let id = 1; id < 400; id += 13) {
    const hits = index.search({ vector: vectorOf(id), k: 1, ef: 60, path: 'auto' });
    expect([hits.ids[0], hits.path]).toEqual([id, 'rabitq']);
  }
  index.drop();
});

import { expect, test } from 'vitest';
import { clusteredVectors, seededUniform } from './clustered-vectors.ts';
import { measureChurn } from './churn.ts';
import { rowOf } from './measured-engine.ts';

const SEED = 11;

test('an index of which a tenth is replaced thirty times answers as a fresh one does, loses nobody and does not grow', () => {
  const dim = 16;
  const rows = clusteredVectors({ seed: SEED, count: 8200, dim, intrinsicDim: 8, clusterCount: 10 });
  const all = Array.from({ length: 8200 }, (_, row) => rowOf({ values: rows, dim, count: 8200 }, row));
  let clockMs = 0;
  const result = measureChurn({
    spec: { dim, distance: 'l2', m: 8, efConstruction: 60, seed: SEED, flatThreshold: 200, rabitq: { bits: 8, seed: SEED } },
    vectors: all.slice(0, 8000), queries: all.slice(8000), liveCount: 2000, rounds: 30, share: 0.1, k: 10, ef: 40, repetitions: 1,
    random: seededUniform(SEED), cpuMs: () => { clockMs += 10; return clockMs; }, say: () => undefined,
  });
  expect(result.churnedRecall, `seed ${SEED}`).toBeGreaterThan(result.freshRecall - 0.005);
  expect(result.freshRecall, `seed ${SEED}`).toBeGreaterThan(0.95);
  expect(result.unfoundCount, `seed ${SEED}`).toBe(0);
  expect(result.unreachableCount, `seed ${SEED}`).toBe(0);
  expect(result.roundBytes).toEqual(Array.from({ length: 30 }, () => result.roundBytes[0]));
  // Every step of the clock is 10 ms: a turn of 100 searches takes one, whichever index has it.
  expect(result).toMatchObject({ churnedSearchesPerSecond: 10_000, freshSearchesPerSecond: 10_000, speedRatio: 1 });
});

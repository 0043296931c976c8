import { expect, test } from 'vitest';
import type { IndexOp } from './index-op.ts';
import type { Distance, IndexSpec } from './index-spec.ts';
import { LocalEngine } from './local-engine.ts';
import { clusteredVectors, uniform } from './test-support/random-vectors.ts';

const DIM = 24;
const COUNT = 3000;
const ROUNDS = 10;

/** Nothing is searched here, so no vector is read. */
const NO_VECTORS = (): undefined => undefined;

/** By inner products a few vectors are nearest to all others, whose lists have no room for everybody: so many of a thousand may be lost there. */
const LOST_BY_DOT = 5;

/** Few links per vector, so that their loss shows early. */
test.each<[Distance, Pick<IndexSpec, 'rabitq'>, number]>([
  ['l2', {}, 31], ['l2', { rabitq: { bits: 8, seed: 1 } }, 32], ['cosine', { rabitq: { bits: 8, seed: 1 } }, 33], ['dot', { rabitq: { bits: 8, seed: 1 } }, 34],
  ['l2', { rabitq: { bits: 8, seed: 1, memory: 'codes' } }, 35],
])('%s, %j: every live vector stays within reach through rounds that each replace a fifth', (distance, codes, seed) => {
  const all = clusteredVectors(seed, COUNT * 3, DIM);
  const next = uniform(seed);
  const index = LocalEngine.start({ memoryMaxBytes: 128 << 20 }).openIndex({
    dim: DIM, distance, m: distance === 'dot' ? 12 : 6, efConstruction: 60, seed, flatThreshold: 200, ...codes }, NO_VECTORS);
  const put = (ids: readonly number[], firstRow: number): IndexOp[] => ids.map((id, i) => ({ type: 'put', id, vector: all[(firstRow + i) % all.length] as Float32Array }));
  index.apply(put(Array.from({ length: COUNT }, (_, id) => id), 0));
  const unreachable = [index.unreachableCount()];
  for (let round = 0, used = COUNT; round < ROUNDS; round++) {
    const ids = Array.from({ length: COUNT }, (_, id) => id).filter(() => next() < 0.2);
    for (let from = 0; from < ids.length; from += 50) index.apply(ids.slice(from, from + 50).map((id) => ({ type: 'remove', id })));
    unreachable.push(index.unreachableCount());
    index.apply(put(ids, used));
    used += ids.length;
    unreachable.push(index.unreachableCount());
  }
  const most = distance === 'dot' ? COUNT / 1000 * LOST_BY_DOT : 0;
  expect(Math.max(...unreachable), `seed ${seed}: ${unreachable.join()}`).toBeLessThanOrEqual(most);
});

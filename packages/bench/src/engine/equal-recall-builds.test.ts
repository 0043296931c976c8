import { expect, test } from 'vitest';
import { clusteredVectors } from './clustered-vectors.ts';
import { buildsAtEqualRecall, equalRecallTable } from './equal-recall-builds.ts';
import type { MeasuredEngine, VectorRows } from './measured-engine.ts';
import { exactNeighbours, shoalEngine } from './shoal-engine.ts';

const dim = 16;
const all = clusteredVectors({ seed: 8, count: 2100, dim, intrinsicDim: 6, clusterCount: 10 });
const data: VectorRows = { values: all.subarray(0, 2000 * dim), dim, count: 2000 };
const queries: VectorRows = { values: all.subarray(2000 * dim), dim, count: 100 };
const own = (efConstruction: number): MeasuredEngine => shoalEngine(queries, { m: 4, efConstruction }, 8);

function compare(peer: () => MeasuredEngine): ReturnType<typeof buildsAtEqualRecall>[number] | undefined {
  let clockMs = 0;
  return buildsAtEqualRecall({
    data, queries, truth: exactNeighbours(data, queries, 5), ef: 8, repetitions: 2, own, efConstructions: [4, 16, 64], peers: [peer], say: () => undefined,
    nowMs: () => { clockMs += 10; return clockMs; },
  })[0];
}

test('the narrowest construction is chosen whose graph answers at least as well', () => {
  const peer = compare(() => ({ ...own(16), name: 'peer' }));
  // Every step of the clock is 10 ms: 2,000 inserts in one.
  expect(peer).toMatchObject({ peer: 'peer', efConstruction: 16, insertsPerSecond: 200_000, peerInsertsPerSecond: 200_000, ratio: 1 });
  expect(peer?.recall).toBe(peer?.peerRecall);
});

test('a peer that answers better than any of ours is named as such', () => {
  const exact = exactNeighbours(data, queries, 5);
  const peer = compare(() => ({ ...own(4), name: 'exact', build: () => undefined, search: (query) => exact[query] ?? [] }));
  expect(peer).toMatchObject({ peerRecall: 1, efConstruction: undefined });
  expect(equalRecallTable(peer === undefined ? [] : [peer])).toBe('exact: recall 1.0000, which none of ours reaches');
});

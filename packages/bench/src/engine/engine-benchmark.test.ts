import { expect, test } from 'vitest';
import { clusteredVectors } from './clustered-vectors.ts';
import { benchmarkEngines } from './engine-benchmark.ts';
import { enginePage } from './engine-plot.ts';
import { engineTable } from './engine-report.ts';
import type { MeasuredEngine, VectorRows } from './measured-engine.ts';
import { rowOf } from './measured-engine.ts';
import { benchmarkInParallel } from './parallel-benchmark.ts';
import { oneAfterTheOther } from './parallel-engine.ts';
import { parallelShoal } from './parallel-shoal.ts';
import { exactNeighbours, shoalEngine } from './shoal-engine.ts';

const dim = 16;
const all = clusteredVectors({ seed: 8, count: 2100, dim, intrinsicDim: 6, clusterCount: 10 });
const data: VectorRows = { values: all.subarray(0, 2000 * dim), dim, count: 2000 };
const queries: VectorRows = { values: all.subarray(2000 * dim), dim, count: 100 };
const k = 5;

function bruteForce(query: Float32Array): number[] {
  return Array.from({ length: data.count }, (_, row) => ({
    row, distance: rowOf(data, row).reduce((sum, x, i) => sum + (x - (query[i] as number)) ** 2, 0) }))
    .sort((a, b) => a.distance - b.distance).slice(0, k).map(({ row }) => row);
}

/** An engine that answers with the first rows, which are near to nothing in particular. */
const careless: MeasuredEngine = {
  name: 'careless', build: () => undefined, bytesPerVector: () => 0, setEf: () => undefined, search: () => [0, 1, 2, 3, 4], close: () => undefined,
};

test('the truth is that of a scan in plain JavaScript', () => {
  const truth = exactNeighbours(data, queries, k);
  for (let query = 0; query < 20; query++) expect([...(truth[query] ?? [])]).toEqual(bruteForce(rowOf(queries, query)));
});

test('an engine that works reaches the recalls in the table and one that does not stays out of it', () => {
  let clockMs = 0;
  const results = benchmarkEngines([shoalEngine(queries, { m: 8, efConstruction: 60 }), careless], {
    data, queries, truth: exactNeighbours(data, queries, k), efs: [5, 20, 80], repetitions: 2, say: () => undefined,
    nowMs: () => { clockMs += 10; return clockMs; },
  });
  const [shoal, other] = results.map(({ sweep }) => sweep.map(({ recall }) => recall));
  expect(Math.max(...(shoal ?? []))).toBeGreaterThan(0.99);
  expect(Math.max(...(other ?? []))).toBeLessThan(0.1);
  // Every step of the clock is 10 ms: 2,000 inserts and 100 searches in one step each.
  expect(results[0]).toMatchObject({ insertsPerSecond: 200_000, sweep: [{ searchesPerSecond: 10_000 }, {}, {}] });
  expect(engineTable(results).split('\n').at(-1)).toMatch(/^careless\s+200000\s+0\s+-/);
});

test('the page has a line in each chart for every engine, and its table', () => {
  const sweep = [{ ef: 10, recall: 0.9, searchesPerSecond: 2000 }, { ef: 40, recall: 0.99, searchesPerSecond: 500 }];
  const results = ['one', 'a < b'].map((name) => ({ name, insertsPerSecond: 1, bytesPerVector: 1, sweep }));
  const page = enginePage([{ title: '10 x 2', threads: 'one thread', results }, { title: 'other', threads: 'all cores', results }]);
  expect(page.match(/<polyline points="[0-9.]+,[0-9.]+ [0-9.]+,[0-9.]+"/g)?.length).toBe(4);
  expect(page.match(/<\/svg>a &lt; b</g)?.length).toBe(2);
  expect(page.match(/<td class="text">a &lt; b</g)?.length).toBe(2);
  expect(page).not.toContain('NaN');
  expect(page).toContain('/hnswlib');
});

test('engines that are asked all queries at once answer as one by one, and stand in the same table', async () => {
  let clockMs = 0;
  const parameters = { m: 8, efConstruction: 60 };
  const results = await benchmarkInParallel([
    await parallelShoal(queries, parameters, 8, 2), oneAfterTheOther(shoalEngine(queries, parameters, 8), queries.count), oneAfterTheOther(careless, queries.count),
  ], {
    data, queries, truth: exactNeighbours(data, queries, k), efs: [5, 20, 80], repetitions: 2, say: () => undefined,
    nowMs: () => { clockMs += 10; return clockMs; },
  });
  const [threads, single, other] = results.map(({ sweep }) => sweep.map(({ recall }) => recall));
  expect(threads).toEqual(single);
  expect(Math.max(...(threads ?? []))).toBeGreaterThan(0.99);
  expect(Math.max(...(other ?? []))).toBeLessThan(0.1);
  // Every step of the clock is 10 ms: four passes of 100 searches in one.
  expect(results[0]).toMatchObject({ insertsPerSecond: 200_000, sweep: [{ searchesPerSecond: 40_000 }, {}, {}] });
  expect(engineTable(results).split('\n').length).toBe(5);
});

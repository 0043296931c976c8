import { HttpTarget, generatedData, runBenchmark } from '@shoal/bench/load';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';

let node: EmbeddedProcess;
beforeAll(async () => {
  node = await EmbeddedProcess.start();
});
afterAll(() => node.close());

it('loads a node with writers and readers at once: nothing fails, nothing is invented, recall holds', async () => {
  const data = generatedData({ seed: 11, dim: 32, rows: 3_000, extraRows: 3_000, queries: 100 });
  const { handle } = await node.client().register({ model: 'bench', dim: 32, distance: 'l2' });
  const target = new HttpTarget({ url: node.url, apiKey: node.rootKey, embedding: handle.name, data, description: 'an embedded node', processIds: [node.process.pid] });
  const result = await runBenchmark({
    target, data, nowMs: () => performance.now(), say: () => undefined, signal: new AbortController().signal,
    config: {
      preset: 'custom', writers: 2, readers: 2, seconds: 2, warmUpSeconds: 0, rows: 3_000, m: 16, efConstruction: 200,
      search: { k: 10, ef: 100, path: 'auto' }, batchSize: 16, recallSamples: 50, seed: 11,
    },
  });
  expect([result.searches.errors, result.inserts.errors]).toEqual([{}, {}]);
  expect(result.recall?.phantomCount).toBe(0);
  expect(result.recall?.mean).toBeGreaterThanOrEqual(0.95);
  const { stats } = await handle.describe();
  expect(stats?.vectorCount).toBe(3_000 + result.inserts.itemCount);
});

import { describe, expect, it } from 'vitest';
import { setTimeout as pause } from 'node:timers/promises';
import { OperationFailure, type BenchTarget } from './bench-target.ts';
import type { BenchConfig } from './bench-config.ts';
import { runBenchmark } from './concurrent-benchmark.ts';
import { EngineTarget } from './engine-target.ts';
import { generatedData } from './generated-data.ts';
import { LatencySamples } from './latency-samples.ts';
import { markdownReport } from './markdown-report.ts';
import { openLoop } from './pace.ts';
import { RecallOracle } from './recall-under-load.ts';

const nowMs = (): number => performance.now();
const signal = new AbortController().signal;
const data = generatedData({ seed: 5, dim: 16, rows: 2_000, extraRows: 500, queries: 50 });
const config: BenchConfig = {
  preset: 'custom', writers: 2, readers: 2, seconds: 1, warmUpSeconds: 0, rows: 2_000, m: 16, efConstruction: 100,
  search: { k: 10, ef: 100, path: 'auto' }, batchSize: 8, recallSamples: 20, seed: 5,
};

describe('runBenchmark', () => {
  it('measures writers and readers of the engine at once, with recall, and reports both', async () => {
    const target = await EngineTarget.start({ data, m: 16, efConstruction: 100, searchThreadCount: 1 });
    try {
      const result = await runBenchmark({ target, data, config, nowMs, signal, say: () => undefined });
      expect(result.searches.itemCount).toBe(result.searches.latency?.count);
      expect(result.inserts.itemCount).toBe(8 * (result.inserts.latency?.count ?? 0));
      expect(result.inserts.itemCount).toBeGreaterThan(0);
      expect(result.searches.errors).toEqual({});
      expect(result.recall?.mean).toBeGreaterThan(0.95);
      expect(result.recall?.phantomCount).toBe(0);
      expect(markdownReport(result)).toContain('recall@10');
    } finally {
      await target.close();
    }
  });

  it('counts failures by kind and goes on', async () => {
    let calls = 0;
    const failing: BenchTarget = {
      description: 'a target that fails every other search', processIds: [], close: async () => undefined,
      openCaller: async () => ({
        insert: async () => undefined, close: () => undefined,
        search: async () => {
          await pause(1);
          calls += 1;
          if (calls % 2 === 0) throw new OperationFailure('overloaded', 'too much');
          return () => [0];
        },
      }),
    };
    const { searches } = await runBenchmark({ target: failing, data, config: { ...config, writers: 0, recallSamples: 1 }, nowMs, signal, say: () => undefined });
    expect(searches.errors['overloaded']).toBe(Math.floor(calls / 2));
    expect(searches.itemCount).toBe(calls - Math.floor(calls / 2));
  });
});

describe('RecallOracle', () => {
  const oracle = new RecallOracle({ title: '', distance: 'l2', queries: { values: Float32Array.of(0), dim: 1, count: 1 }, data: { values: Float32Array.of(1, 2, 3, 4, 0.5, 0.25), dim: 1, count: 6 } }, 4, 2);
  const sample = (rows: number[]) => ({ query: 0, rows, startedAtMs: 10, endedAtMs: 20 });
  const write = (firstRow: number, sentAtMs: number, ackedAtMs: number) => ({ firstRow, count: 1, sentAtMs, ackedAtMs });

  it('wants what was applied before the search began, and nothing later', () => {
    expect(oracle.measure([sample([0, 1])], [])).toMatchObject({ mean: 1, phantomCount: 0 });
    expect(oracle.measure([sample([0, 1])], [write(4, 1, 5)])).toMatchObject({ mean: 0.5 });
    expect(oracle.measure([sample([4, 0])], [write(4, 1, 5)])).toMatchObject({ mean: 1 });
    expect(oracle.measure([sample([0, 1])], [write(4, 1, 15)])).toMatchObject({ mean: 1 });
    expect(oracle.measure([sample([4, 0])], [write(4, 1, 15)])).toMatchObject({ mean: 1 });
  });

  it('counts a row that nobody had sent as a phantom, and a repeated row once', () => {
    expect(oracle.measure([sample([5, 0])], [write(5, 25, 30)])).toMatchObject({ mean: 0.5, phantomCount: 1 });
    expect(oracle.measure([sample([0, 0])], [])).toMatchObject({ mean: 0.5 });
  });
});

it('keeps every latency: percentiles are those of the sorted samples', () => {
  const samples = new LatencySamples();
  for (let n = 10_000; n >= 1; n -= 1) samples.add(n);
  expect(samples.figures()).toEqual({ count: 10_000, meanMs: 5_000.5, p50Ms: 5_000, p95Ms: 9_500, p99Ms: 9_900, maxMs: 10_000 });
});

it('dates operations of an open loop by when they were due, however late their caller is', async () => {
  let now = 0;
  const pace = openLoop(100, 0, 50, () => now);
  expect(await pace.next()).toBe(0);
  now = 1_000;
  expect([await pace.next(), await pace.next(), await pace.next(), await pace.next(), await pace.next()]).toEqual([10, 20, 30, 40, undefined]);
});

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { ConcurrentMetrics } from './concurrent-metrics.ts';
import { countOf } from './latency-histogram.ts';
import { OPERATIONS, type OperationMetrics } from './operation-metrics.ts';

it('counts every operation type through one interface, apart from the others', () => {
  const metrics: OperationMetrics = new ConcurrentMetrics();
  for (const [index, operation] of OPERATIONS.entries()) {
    metrics.record(operation, 10, index + 1);
    metrics.recordError(operation, 'overloaded', index);
  }
  const snapshot = metrics.snapshot();
  expect(OPERATIONS.map((operation) => countOf(snapshot[operation].latency))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(OPERATIONS.map((operation) => snapshot[operation].errors.overloaded ?? 0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(snapshot.EdgeQuery.latency.sumNs).toBe(7 * 10_000);
});

it('gives percentiles with their bounds and a summary for insert, search and delete', () => {
  const metrics = new ConcurrentMetrics();
  for (let us = 1; us <= 100; us += 1) metrics.recordSearch(us);
  metrics.recordInsert(1_000);
  metrics.recordDelete(0.5);
  metrics.recordError('VectorSearch', 'deadline_exceeded', 2);
  expect(metrics.searchPercentile(50)).toMatchObject({ lowerUs: 32, upperUs: 64 });
  expect(metrics.insertPercentile(99)).toMatchObject({ lowerUs: 512, upperUs: 1_024 });
  expect(metrics.deletePercentile(50)).toMatchObject({ lowerUs: 0, upperUs: 1 });
  const { VectorSearch, NodeQuery } = metrics.summary();
  expect(VectorSearch.latency).toMatchObject({ count: 100, averageUs: 50.5, p99: { lowerUs: 64, upperUs: 128 } });
  expect(VectorSearch).toMatchObject({ errorCount: 2, errors: { deadline_exceeded: 2 } });
  expect(NodeQuery.latency).toBeUndefined();
});

it('loses nothing when threads record at once, and never shows a snapshot that decreases', async () => {
  const metrics = new ConcurrentMetrics();
  const perThread = 20_000;
  const source = `
    import { workerData } from 'node:worker_threads';
    const { ConcurrentMetrics } = await import(workerData.module);
    const metrics = new ConcurrentMetrics(workerData.buffer);
    for (let n = 0; n < ${perThread}; n += 1) {
      metrics.recordSearch((n % 20) + 0.5);
      if (n % 10 === 0) metrics.recordError('VectorSearch', 'overloaded');
    }`;
  const workerData = { buffer: metrics.buffer, module: new URL('./concurrent-metrics.ts', import.meta.url).href };
  const workers = Array.from({ length: 4 }, () => new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData }));
  const ended = Promise.all(workers.map((worker) => once(worker, 'exit')));
  const end = new AbortController();
  void ended.then(() => { end.abort(); });
  let previous = metrics.histogram('VectorSearch').buckets;
  while (!end.signal.aborted) {
    const now = metrics.histogram('VectorSearch').buckets;
    expect(now.every((count, bucket) => count >= (previous[bucket] ?? 0))).toBe(true);
    previous = now;
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  expect((await ended).map(([code]) => code)).toEqual([0, 0, 0, 0]);
  const { latency, errors } = metrics.snapshot().VectorSearch;
  expect(countOf(latency)).toBe(4 * perThread);
  expect(latency.sumNs).toBe(4 * perThread * 10_000);
  expect(errors).toEqual({ overloaded: 4 * perThread / 10 });
});

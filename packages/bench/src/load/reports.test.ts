import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runBenchmark, type BenchResult } from './concurrent-benchmark.ts';
import { csvReport } from './csv-report.ts';
import { generatedData } from './generated-data.ts';
import { htmlReport } from './html-report.ts';
import { paretoFront } from './recall-sweep.ts';
import { compareResults } from './result-comparison.ts';
import { parseResultFile } from './result-file.ts';
import type { BenchTarget } from './bench-target.ts';

const target: BenchTarget = {
  description: 'a target, "<quoted>"', processIds: [], close: async () => undefined,
  openCaller: async () => ({
    insert: () => new Promise((resolve) => { setTimeout(resolve, 2); }), close: () => undefined,
    search: (_query, { ef }) => new Promise((resolve) => { setTimeout(() => resolve(() => Array.from({ length: Math.min(10, ef) }, (_, row) => row)), 1); }),
  }),
};

async function measured(): Promise<BenchResult> {
  const data = generatedData({ seed: 3, dim: 4, rows: 10, extraRows: 0, queries: 5 });
  return await runBenchmark({
    target, data, nowMs: () => performance.now(), say: () => undefined, signal: new AbortController().signal, sweep: { efs: [5, 10], secondsPerEf: 1 },
    config: { preset: 'balanced', writers: 0, readers: 1, seconds: 1, warmUpSeconds: 0, rows: 10, m: 16, efConstruction: 100, search: { k: 10, ef: 10, path: 'auto' }, batchSize: 1, recallSamples: 40, seed: 3 },
  });
}

it('keeps a result as a file, and reports it as CSV, as a page and beside another', async () => {
  const result = parseResultFile('kept.json', JSON.stringify(await measured()));
  expect(result.sweep?.map(({ ef, recall }) => [ef, recall])).toEqual([[5, 0.5], [10, 1]]);
  const lines = csvReport(result).trimEnd().split('\r\n');
  expect(lines).toHaveLength(5);
  expect(lines[1]).toContain('balanced,"a target, ""<quoted>""",search,10,');
  const page = htmlReport(result);
  expect(page.match(/role="img"/g)).toHaveLength(4);
  expect(page).toContain('<h2>Recall over time</h2>');
  expect(page).not.toContain('Comparison');
  expect(page).toContain('a target, &quot;&lt;quoted>');
  expect(page).not.toMatch(/NaN|Infinity|undefined|https?:/);
  const other = { ...result, config: { ...result.config, readers: 2 }, searches: { ...result.searches, itemsPerSecond: result.searches.itemsPerSecond * 2 } };
  expect(compareResults(result, other)).toMatch(/\| searches\/s \| \d+ \| \d+ \| 2\.00x \|/);
  expect(compareResults(result, other)).toContain('readers 1 / 2');
  const both = htmlReport(other, result);
  expect(both).toContain('Different settings (earlier / later): readers 1 / 2.');
  expect(both).toContain('searches, earlier');
  expect(both).not.toMatch(/NaN|Infinity|undefined|https?:/);
});

it('refuses a file that is no result, naming it', () => {
  for (const text of ['', '[]', '{}', '{"format":"shoal-bench","version":2}', '{"format":"shoal-bench","version":1}']) {
    expect(() => parseResultFile('x.json', text)).toThrow(expect.objectContaining({ code: 'malformed_body', message: expect.stringContaining('x.json') }));
  }
});

it('keeps in the Pareto front what nothing beats, and everything else is beaten by one of it', () => {
  const point = fc.record({ recall: fc.integer({ min: 0, max: 10 }), searchesPerSecond: fc.integer({ min: 0, max: 10 }) });
  fc.assert(fc.property(fc.array(point, { minLength: 1, maxLength: 20 }), (points) => {
    const front = paretoFront(points);
    expect(front.length).toBeGreaterThan(0);
    for (const each of points) {
      const isBetter = (other: typeof each) => other.recall >= each.recall && other.searchesPerSecond >= each.searchesPerSecond && (other.recall > each.recall || other.searchesPerSecond > each.searchesPerSecond);
      expect(points.some(isBetter)).toBe(!front.includes(each));
      expect(front.some(isBetter)).toBe(!front.includes(each));
    }
  }));
});

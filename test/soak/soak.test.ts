import { expect, it } from 'vitest';
import { runSoak } from './soak-run.ts';

it('two minutes of readers and a writer give no phantom, no wrong distance and no torn vector', async () => {
  const seed = Date.now() % 1_000_000;
  console.log(`soak seed ${seed}`);
  const report = await runSoak({
    idCount: 4_000, dim: 24, bits: 8, seed, readerCount: 4, searchThreadCount: 1, durationMs: 120_000, pauseMs: 5, reportEveryMs: 1_000_000, onReport: () => undefined });
  expect(report.faults).toEqual([]);
  expect(report.searches).toBeGreaterThan(500);
  for (const count of [report.groups, report.inserts, report.updates, report.deletes, report.compared]) expect(count).toBeGreaterThan(20);
  expect(report.recallSum / report.compared).toBeGreaterThan(0.95);
});

it('nor do some seconds of them on an index that keeps codes alone and reads its vectors meanwhile', async () => {
  const seed = Date.now() % 1_000_000;
  console.log(`soak seed ${seed}`);
  const report = await runSoak({
    idCount: 1_000, dim: 24, bits: 8, memory: 'codes', seed, readerCount: 4, searchThreadCount: 1, durationMs: 6_000, pauseMs: 2, reportEveryMs: 1_000_000, onReport: () => undefined });
  expect(report.faults).toEqual([]);
  expect(report.searches).toBeGreaterThan(100);
  for (const count of [report.groups, report.inserts, report.updates, report.deletes, report.compared]) expect(count).toBeGreaterThan(5);
  expect(report.recallSum / report.compared).toBeGreaterThan(0.95);
});

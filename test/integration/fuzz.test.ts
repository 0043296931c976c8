import { afterAll, beforeAll, expect, it } from 'vitest';
import { runFuzz } from '../fuzz/fuzz-run.ts';
import { prepareTarget } from '../fuzz/fuzz-target.ts';
import { EmbeddedProcess } from '../harness/embedded-process.ts';

let node: EmbeddedProcess;

beforeAll(async () => {
  node = await EmbeddedProcess.start({ SHOAL_LOG_LEVEL: 'error' });
});

afterAll(async () => {
  await node?.close();
});

it('thirty thousand random, mutated and adversarial requests meet no 500 and no crash', async () => {
  const seed = Date.now() % 1_000_000;
  console.log(`fuzz seed ${seed}`);
  const keys = await prepareTarget(node);
  const report = await runFuzz({ port: Number(new URL(node.url).port), keys, seed, requestCount: 30_000, connectionCount: 4, pipelined: 16, reportEvery: 1_000_000, onReport: () => undefined });
  expect(report.faults).toEqual([]);
  expect(report.statuses.get(500)).toBeUndefined();
  // The requests reach past the first checks.
  expect(report.statuses.get(200)).toBeGreaterThan(3_000);
  expect(report.answered).toBeGreaterThan(20_000);
  expect(node.process.running).toBe(true);
  expect(node.process.output).not.toContain('"level":50');
});

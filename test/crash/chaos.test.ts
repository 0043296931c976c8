import { expect, it } from 'vitest';
import { availability, describe, violations } from '../chaos/chaos-report.ts';
import { runChaos } from '../chaos/chaos-run.ts';
import { suiteSeed } from '../harness/workload.ts';

it('a cluster of three NATS servers, two gateways and four shards loses nothing while its processes are killed and stopped, and goes on to answer', async () => {
  const seed = suiteSeed('chaos');
  const report = await runChaos({ seed, placement: 'placed', faultCount: 8, vectorCount: 2_000, dim: 16, partitions: 4, writers: 2, searchers: 2, searchedKeys: 200, onProgress: () => undefined });
  console.log(describe(report).join('\n'));
  expect(violations(report)).toEqual([]);
  expect(availability(report).answered).toBeGreaterThan(0);
});

import { expect, it } from 'vitest';
import { CLEAN_AUDIT, suiteSeed } from '../harness/workload.ts';
import { runRebalance } from './rebalance-run.ts';

it('a cluster under load takes in a shard and lets a drained one go: no request fails, and the replicas agree', async () => {
  const seed = suiteSeed('rebalance');
  const report = await runRebalance({ seed, shards: 2, slots: 12, embeddings: 2, keysPerEmbedding: 200, dim: 16, steadyMs: 500, batch: 40, writePauseMs: 100 }, console.log);
  expect(report.failures).toEqual([]);
  expect(report.writeCount).toBeGreaterThan(10);
  expect(report.searchCount).toBeGreaterThan(10);
  expect(report.slotsPerShard).toEqual({ 'shard-0': 0, 'shard-1': 12, 'shard-2': 12 });
  expect(report.audits).toEqual([CLEAN_AUDIT, CLEAN_AUDIT]);
  expect(report.digestsEqual).toBe(true);
  expect(report.unverifiedSlots).toEqual([]);
  expect(report.comparison).toMatchObject({ partitionCount: 8, replicaCount: 16, vectorCount: 400, different: [] });
});

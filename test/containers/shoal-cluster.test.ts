import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ShoalCluster, type StartedShoalCluster } from '@shoal/testcontainers';
import { Ledger, audit, CLEAN_AUDIT, deleteKeys, mergeReceipt, suiteSeed, upsertVersion } from '../harness/workload.ts';

const DIM = 16;

describe('a cluster in containers', () => {
  const seed = suiteSeed('shoal cluster in containers');
  let cluster: StartedShoalCluster;
  beforeAll(async () => {
    cluster = await new ShoalCluster({ ...inject('containers'), shards: 2, gateways: 2, workers: 1 }).start();
  });
  afterAll(async () => {
    await cluster?.stop();
  });

  it('answers on every gateway what another gateway wrote', async () => {
    const { handle } = await cluster.client(0).register({ name: 'articles', model: `m-${seed}`, dim: DIM, distance: 'l2', partitions: 4 });
    const ledger = new Ledger(DIM);
    const keys = Array.from({ length: 200 }, (_unused, index) => `a${seed}-${index}`);
    const receipt = await upsertVersion(handle, ledger, keys, 1, 'logged');
    expect(await audit(await cluster.client(1).embedding('articles'), ledger, receipt)).toEqual(CLEAN_AUDIT);
  });

  it('loses nothing when a shard is killed with its disk, and replaced', async () => {
    const client = cluster.client(0, { timeoutMs: 120_000, retries: 20 });
    const { handle } = await client.register({ name: 'kept', model: `kept-${seed}`, dim: DIM, distance: 'l2', partitions: 4 });
    const ledger = new Ledger(DIM);
    const keys = Array.from({ length: 200 }, (_unused, index) => `b${seed}-${index}`);
    const receipt: Record<string, number> = {};
    mergeReceipt(receipt, await upsertVersion(handle, ledger, keys, 1, 'logged'));
    await cluster.killShard(1);
    expect(cluster.shards[1]).toBeUndefined();
    // The log takes writes while nobody applies them.
    mergeReceipt(receipt, await upsertVersion(handle, ledger, keys.slice(0, 50), 2, 'logged'));
    mergeReceipt(receipt, await deleteKeys(handle, ledger, keys.slice(150), 'logged'));
    await cluster.replaceShard(1);
    await client.waitUntilReady({ timeoutMs: 120_000 });
    expect(await audit(handle, ledger, receipt)).toEqual(CLEAN_AUDIT);
  });

  it('refuses shards and gateways that are not there', async () => {
    expect(() => cluster.client(9)).toThrow(RangeError);
    await expect(cluster.killShard(9)).rejects.toThrow(RangeError);
    await expect(cluster.replaceShard(0)).rejects.toThrow(RangeError);
    expect(() => new ShoalCluster({ image: 'shoal', shards: 0 })).toThrow(/from 1 to 16/);
  });
});

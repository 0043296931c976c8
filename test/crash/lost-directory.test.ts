import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { startCluster } from '../harness/suite-cluster.ts';
import { CLEAN_AUDIT, Ledger, audit, mergeReceipt, suiteSeed, upsertVersion } from '../harness/workload.ts';

const DIM = 128;
const BATCH = 200;
const KEYS = 1_000;

it('a shard whose whole directory was deleted comes back from its snapshot and the log by itself', async () => {
  const seed = suiteSeed('lost directory');
  const { cluster, close } = await startCluster({ shardCount: 1, gatewayCount: 1, slots: 4, shardSettings: { SHOAL_SNAPSHOT_LOG_MB: '1' } });
  const shard = cluster.shards[0];
  try {
    const { handle } = await cluster.client().register({ model: `lost ${seed}`, dim: DIM, distance: 'l2', partitions: 1 });
    const ledger = new Ledger(DIM);
    const receipt: Record<string, number> = {};
    // Whole turns over the keys: what an early message wrote is no longer in the log once it was trimmed.
    for (let version = 1; version <= 60 && snapshotCount(shard?.output) < 3; version += 1) {
      for (let first = 0; first < KEYS; first += BATCH) {
        const keys = Array.from({ length: BATCH }, (_, index) => `k${first + index}`);
        mergeReceipt(receipt, await upsertVersion(handle, ledger, keys, version, 'applied'));
      }
      await sleep(400);
    }
    expect(snapshotCount(shard?.output)).toBeGreaterThanOrEqual(3);
    await shard?.end('SIGKILL');
    await rm(cluster.shardDirectory(0), { recursive: true });
    shard?.start();
    // The gateway may take the slot for ready until it misses the shard: what the shard says is waited for.
    await vi.waitFor(() => expect(shard?.output).toContain('slot restored from a snapshot'), { timeout: 30_000, interval: 50 });
    await cluster.ready();
    expect(await audit(handle, ledger, receipt)).toEqual(CLEAN_AUDIT);
  } finally {
    await close();
  }
});

function snapshotCount(output = ''): number {
  return output.split('snapshot taken').length - 1;
}

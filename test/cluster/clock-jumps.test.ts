import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startCluster } from '../harness/suite-cluster.ts';
import { CLEAN_AUDIT, Ledger, audit, mergeReceipt, suiteSeed, upsertVersion, vectorOf } from '../harness/workload.ts';
import { settled } from './placement-watch.ts';

const DIM = 8;
const ROUNDS = 25;

it('nothing depends on the time of day: clocks of all processes jump, and every request is answered, nothing moves and nothing is lost', async () => {
  const seed = suiteSeed('clock jumps');
  const jumping = fileURLToPath(new URL('../harness/jumping-date.ts', import.meta.url));
  const { cluster, close } = await startCluster({ shardCount: 2, gatewayCount: 1, slots: 4, placement: 'placed', settings: { NODE_OPTIONS: `--import=${jumping}` } });
  try {
    const client = cluster.client(0, { retries: 0 });
    const before = await settled(client);
    const { handle } = await client.register({ model: `clocks ${seed}`, dim: DIM, distance: 'l2', partitions: 4 });
    const ledger = new Ledger(DIM);
    const receipt: Record<string, number> = {};
    const round = async (version: number): Promise<void> => {
      const keys = Array.from({ length: 20 }, (_unused, index) => `k${index}`);
      mergeReceipt(receipt, await upsertVersion(handle, ledger, keys, version, version % 2 === 0 ? 'applied' : 'logged'));
      const { hits } = await handle.search({ vector: vectorOf('k3', version, DIM), k: 1, after: receipt });
      expect(hits[0]?.key).toBe('k3');
    };
    for (let version = 1; version <= ROUNDS; version += 1) {
      await round(version);
      await sleep(100);
    }
    // Its name and its slots are its own also when the clock says that it started long before it ended.
    await cluster.shards[1]?.end('SIGTERM');
    cluster.shards[1]?.start();
    await sleep(1_000);
    const after = await settled(client);
    expect(after.slots.map(({ replicas }) => replicas.map(({ shard }) => shard))).toEqual(before.slots.map(({ replicas }) => replicas.map(({ shard }) => shard)));
    await round(ROUNDS + 1);
    // The jumps were real: what a process took for the time lies apart by more than the test took.
    const times = [...(cluster.shards[0]?.output ?? '').matchAll(/the clock shows (\d+)/g)].map(([, time]) => Number(time));
    expect(times.length).toBeGreaterThan(8);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(3_000_000);
    expect(await audit(handle, ledger, receipt)).toEqual(CLEAN_AUDIT);
  } finally {
    await close();
  }
});

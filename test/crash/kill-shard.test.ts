import { setTimeout as sleep } from 'node:timers/promises';
import { it } from 'vitest';
import { startCluster } from '../harness/suite-cluster.ts';
import { seededRandom, suiteSeed } from '../harness/workload.ts';
import { runCrashLoad } from './crash-load.ts';

const KILLS = 20;

it('kill -9 of a shard at random moments of a load loses, doubles and brings back nothing', async () => {
  const seed = suiteSeed('kill shard');
  const random = seededRandom(seed);
  const { cluster, close } = await startCluster({ shardCount: 2, gatewayCount: 1 });
  try {
    await runCrashLoad({
      seed,
      faultCount: KILLS,
      client: () => cluster.client(),
      fault: async () => {
        const shard = cluster.shards[Math.floor(random() * cluster.shards.length)];
        await shard?.end('SIGKILL');
        await sleep(random() * 200);
        shard?.start();
        // Some kills hit a shard that is still recovering.
        if (random() < 0.7) await cluster.ready();
      },
    });
  } finally {
    await close();
  }
});

import { setTimeout as sleep } from 'node:timers/promises';
import { it } from 'vitest';
import { startCluster } from '../harness/suite-cluster.ts';
import { seededRandom, suiteSeed } from '../harness/workload.ts';
import { runCrashLoad } from './crash-load.ts';

const NATS_RESTARTS = 4;

it('kill -9 and restart of nats-server in the middle of a load loses, doubles and brings back nothing', async () => {
  const seed = suiteSeed('kill nats-server');
  const random = seededRandom(seed);
  const { cluster, nats, close } = await startCluster({ shardCount: 2, gatewayCount: 1 });
  try {
    await runCrashLoad({
      seed,
      faultCount: NATS_RESTARTS,
      client: () => cluster.client(),
      fault: async () => {
        await nats.stop('SIGKILL');
        await sleep(random() * 500);
        await nats.start();
        await cluster.ready();
      },
    });
  } finally {
    await close();
  }
});

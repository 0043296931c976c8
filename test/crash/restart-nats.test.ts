import { setTimeout as sleep } from 'node:timers/promises';
import { it } from 'vitest';
import { startNatsServer } from '../harness/nats-server.ts';
import { ShoalCluster } from '../harness/shoal-cluster.ts';
import { seededRandom, suiteSeed } from '../harness/workload.ts';
import { runCrashLoad } from './crash-load.ts';

const NATS_RESTARTS = 4;

it('kill -9 and restart of nats-server in the middle of a load loses, doubles and brings back nothing', async () => {
  const seed = suiteSeed('kill nats-server');
  const random = seededRandom(seed);
  const nats = await startNatsServer();
  const cluster = await ShoalCluster.start({ natsUrl: nats.url, shardCount: 2, gatewayCount: 1 });
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
    await cluster.close();
    await nats.close();
  }
});

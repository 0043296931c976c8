import { setTimeout as sleep } from 'node:timers/promises';
import { it } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { seededRandom, suiteSeed } from '../harness/workload.ts';
import { runCrashLoad } from './crash-load.ts';

const KILLS = 20;

it('kill -9 of the embedded process at random moments of a load loses, doubles and brings back nothing', async () => {
  const seed = suiteSeed('kill node');
  const random = seededRandom(seed);
  const node = await EmbeddedProcess.start();
  try {
    await runCrashLoad({
      seed,
      faultCount: KILLS,
      client: () => node.client(),
      fault: async () => {
        await node.process.end('SIGKILL');
        await sleep(random() * 100);
        await node.restart();
      },
    });
  } finally {
    await node.close();
  }
});

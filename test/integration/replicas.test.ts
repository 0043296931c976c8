import { expect, it } from 'vitest';
import { suiteCluster } from '../harness/suite-cluster.ts';
import { seededRandom, suiteSeed, vectorOf } from '../harness/workload.ts';

const DIM = 16;
const KEYS = 300;
const ROUNDS = 40;
const suite = suiteCluster({ shardCount: 2, gatewayCount: 1, slots: 8, replicas: 2 });

/** Every kind of read, and a write that waits until it is applied, one after the other and without a second attempt of the client. */
async function readAndWrite(name: string, random: () => number): Promise<void> {
  const handle = suite.cluster.client(0, { retries: 0 }).embedding(name);
  for (let round = 0; round < ROUNDS; round += 1) {
    const key = `k${Math.floor(random() * KEYS)}`;
    const { receipt } = await handle.upsert([{ key, values: vectorOf(key, 1, DIM) }], { wait: round % 4 === 0 ? 'applied' : 'logged' });
    const { hits } = await handle.search({ vector: vectorOf(key, 1, DIM), k: 1, after: receipt, timeoutMs: 20_000 });
    expect(hits[0]).toMatchObject({ key, distance: 0 });
    expect((await handle.get(key))?.values).toEqual(vectorOf(key, 1, DIM));
    if (round % 8 === 0) {
      expect(await handle.count()).toBe(KEYS);
      let scrolled = 0;
      for await (const { key: found } of handle.scroll()) scrolled += found === '' ? 0 : 1;
      expect(scrolled).toBe(KEYS);
    }
  }
}

it('reads and writes go on without an error while one of two replicas stands still or is dead', async () => {
  const random = seededRandom(suiteSeed('replicas'));
  const { cluster } = suite;
  const { handle, description } = await cluster.client().register({ model: 'replicas', dim: DIM, distance: 'l2', partitions: 8 });
  await handle.upsert(Array.from({ length: KEYS }, (_, index) => ({ key: `k${index}`, values: vectorOf(`k${index}`, 1, DIM) })), { wait: 'applied' });
  // Applied means by one replica; reads without a receipt may ask the other.
  await expect.poll(async () => (await cluster.client().cluster()).shards.map(({ slots }) => slots.reduce((sum, { vectorCount }) => sum + vectorCount, 0)), { timeout: 60_000 }).toEqual([KEYS, KEYS]);
  for (const shard of cluster.shards) {
    shard.signal('SIGSTOP');
    await readAndWrite(description.name, random);
    shard.signal('SIGCONT');
    await readAndWrite(description.name, random);
  }
  await cluster.shards[0]?.end('SIGKILL');
  await readAndWrite(description.name, random);
});

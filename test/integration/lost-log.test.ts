/** A stream that an operator empties, or removes and makes anew, under a running cluster. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { expect, it } from 'vitest';
import { suiteCluster } from '../harness/suite-cluster.ts';
import { vectorOf } from '../harness/workload.ts';

const DIM = 8;
const KEYS = 200;
/** As many streams as slots, so that each slot has one of its own. */
const SLOTS = 4;
const suite = suiteCluster({ shardCount: 2, gatewayCount: 1, slots: SLOTS, replicas: 2 });

/** A call of the API of JetStream itself. */
async function jetStream(call: string, body?: unknown): Promise<{ readonly config: unknown }> {
  const nats = await connect({ servers: suite.nats.url });
  try {
    const answer = (await nats.request(`$JS.API.STREAM.${call}`, body === undefined ? '' : JSON.stringify(body), { timeout: 10_000 })).json<{ readonly config: unknown; readonly error?: unknown }>();
    expect(answer.error).toBeUndefined();
    return answer;
  } finally {
    await nats.close();
  }
}

it('a slot whose stream was emptied or made anew raises an alarm and stops answering, and the others go on', async () => {
  const client = suite.cluster.client(0, { retries: 0 });
  const { handle } = await client.register({ model: 'lost log', dim: DIM, distance: 'l2', partitions: 16 });
  const keys = Array.from({ length: KEYS }, (_unused, index) => `k${index}`);
  const vectors = keys.map((key) => ({ key, values: vectorOf(key, 1, DIM) }));
  const { receipt } = await handle.upsert(vectors, { wait: 'applied' });
  const [emptied = -1, renewed = -1, ...kept] = Object.keys(receipt).map(Number);
  expect(kept.length).toBeGreaterThan(0);
  const lost = [emptied, renewed].sort((a, b) => a - b);
  // Both replicas have everything, so that a message that the log lacks is one that they applied.
  await expect.poll(async () => (await client.replicaDigests()).every(({ equal, replicas }) => equal && replicas.length === 2), { timeout: 60_000 }).toBe(true);

  await jetStream(`PURGE.SHOAL_MUT_${emptied}`);
  const { config } = await jetStream(`INFO.SHOAL_MUT_${renewed}`);
  await jetStream(`DELETE.SHOAL_MUT_${renewed}`);
  await jetStream(`CREATE.SHOAL_MUT_${renewed}`, config);
  // The new log soon is longer than what was applied of the old one.
  for (let round = 0; round < 8; round += 1) await handle.upsert(vectors, { wait: 'logged' });

  await expect.poll(async () => (await client.cluster()).unservedSlots, { timeout: 60_000 }).toEqual(lost);
  for (const shard of suite.cluster.shards) expect(shard.output).toContain('log_incompatible');
  const question = { vector: vectorOf('k0', 1, DIM), k: KEYS, path: 'flat' as const };
  await expect(handle.search(question)).rejects.toMatchObject({ code: 'slot_unavailable' });
  const { hits, partial } = await handle.search({ ...question, allowPartial: true });
  expect(partial).toBe(true);
  expect(hits.length).toBeGreaterThan(0);
  expect(hits.length).toBeLessThan(KEYS);

  // However long the other log gets.
  await handle.upsert(vectors, { wait: 'logged' });
  await sleep(2_000);
  expect((await client.cluster()).unservedSlots).toEqual(lost);
});

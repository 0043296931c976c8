import { ShoalClient } from '@shoal/client';
import { expect, it } from 'vitest';
import { suiteCluster } from '../harness/suite-cluster.ts';

const suite = suiteCluster({ shardCount: 1, gatewayCount: 2 });

/** What a gateway says to a key. */
async function statusAt(gateway: number, key: string): Promise<number> {
  const response = await fetch(`${suite.cluster.urls[gateway]}/v1/embeddings`, { headers: { authorization: `Bearer ${key}` } });
  await response.text();
  return response.status;
}

async function millisecondsUntil(gateway: number, key: string, wanted: number): Promise<number> {
  const startMs = performance.now();
  await expect.poll(() => statusAt(gateway, key), { interval: 1, timeout: 20_000 }).toBe(wanted);
  return performance.now() - startMs;
}

it('a key works and is revoked at every gateway, whichever was told', async () => {
  const [first, second] = suite.cluster.urls.map((url) => new ShoalClient({ url, apiKey: suite.cluster.rootKey }));
  if (first === undefined || second === undefined) throw new Error('there are two gateways');
  await first.tenants.create({ tenant: 'acme' });
  const asAcme = new ShoalClient({ url: suite.cluster.urls[0] ?? '', apiKey: suite.cluster.rootKey, tenant: 'acme' });
  const known: number[] = [];
  const revoked: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    const { id, key } = await asAcme.keys.create({ role: 'read' });
    expect(await statusAt(0, key)).toBe(200);
    known.push(await millisecondsUntil(1, key, 200));
    await asAcme.keys.revoke(id);
    expect(await statusAt(0, key)).toBe(401);
    revoked.push(await millisecondsUntil(1, key, 401));
  }
  console.log(`known at the other gateway after at most ${Math.max(...known).toFixed(1)} ms, revoked there after at most ${Math.max(...revoked).toFixed(1)} ms`);
  // Requests of one tenant through both gateways are one sum.
  const { key } = await asAcme.keys.create({ role: 'write' });
  await millisecondsUntil(1, key, 200);
  const [one, two] = suite.cluster.urls.map((url) => new ShoalClient({ url, apiKey: key }));
  const { handle } = (await one?.register({ name: 'points', model: 'm', dim: 2, distance: 'l2' })) ?? {};
  await handle?.upsert([{ key: 'a', values: [1, 2] }]);
  const { receipt } = (await two?.embedding('points').upsert([{ key: 'b', values: [1, 2] }])) ?? { receipt: {} };
  await two?.embedding('points').search({ vector: [1, 2], k: 2, after: receipt });
  await expect.poll(async () => (await first.tenants.usage('acme')).vectorsWritten, { timeout: 20_000 }).toBe(2);
  expect((await second.tenants.usage('acme')).stored).toEqual({ embeddings: 1, vectors: 2, bytes: expect.any(Number) as number, complete: true });
});

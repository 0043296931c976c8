import type { MetricsSummary } from '@shoal/client';
import { TELEMETRY_LIMITS } from '@shoal/telemetry';
import { expect, it, vi } from 'vitest';
import { suiteCluster } from '../harness/suite-cluster.ts';

const PARTITIONS = 4;
const suite = suiteCluster({ shardCount: 2, gatewayCount: 2, slots: 8 });

const countOf = (figures: MetricsSummary['operations'], operation: string): number => figures.find((one) => one.operation === operation)?.count ?? 0;

it('killed and restarted shards and gateways neither take back nor double what the cluster counted, and any gateway tells the same', async () => {
  const { cluster } = suite;
  const client = cluster.client(0);
  const { handle } = await client.register({ name: 'counted', model: 'm', dim: 4, distance: 'l2', partitions: PARTITIONS });
  await handle.upsert(Array.from({ length: 50 }, (_, index) => ({ key: `k${index}`, values: [index, 1, 2, 3] })), { wait: 'applied' });

  /** By service and operation, the most that was ever seen; nothing may fall below it. */
  const highest = new Map<string, number>();
  let looks = 0;
  const look = async (): Promise<void> => {
    const { services, operations } = await cluster.client(0).metrics();
    const seen = [...services.flatMap((one) => one.operations.map((figures) => [`${one.service} ${figures.operation}`, figures.count] as const)), ...operations.map((figures) => [`cluster ${figures.operation}`, figures.count] as const)];
    for (const [name, count] of highest) expect(seen.find(([other]) => other === name)?.[1] ?? -1, name).toBeGreaterThanOrEqual(count);
    for (const [name, count] of seen) highest.set(name, count);
    looks += 1;
  };
  let searches = 0;
  const searchAll = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      await cluster.client(index % 2).embedding('counted').search({ vector: [index, 0, 0, 0], k: 3 });
      searches += 1;
    }
  };

  const counted = async (): Promise<{ readonly cluster: number; readonly shards: number }> => {
    const { operations, services } = await client.metrics();
    return { cluster: countOf(operations, 'vector_search'), shards: countOf(services.find(({ service }) => service === 'shard')?.operations ?? [], 'vector_search') };
  };

  for (const victim of [0, 1]) {
    await searchAll(20);
    await look();
    // Long enough that what was done has been announced.
    await vi.waitFor(async () => {
      const { cluster: done, shards } = await counted();
      expect(done).toBe(searches);
      expect(shards).toBeGreaterThanOrEqual(searches * PARTITIONS);
    }, { timeout: 20_000, interval: 200 });
    // Searches that were tried again while a shard was away count there once more: so what counts is that nothing changes any more.
    await new Promise((resolve) => setTimeout(resolve, 2 * TELEMETRY_LIMITS.reportIntervalMs));
    const before = await counted();
    const shard = cluster.shards[victim];
    await shard?.end('SIGKILL');
    await look();
    shard?.start();
    await cluster.ready();
    await look();
    expect(await counted()).toEqual(before);
  }
  // A gateway that is started anew learns what its predecessor counted from the other.
  await cluster.gateways[1]?.end('SIGKILL');
  cluster.gateways[1]?.start();
  await cluster.ready();
  await searchAll(10);
  await vi.waitFor(async () => {
    await look();
    for (const gateway of [0, 1]) {
      const summary = await cluster.client(gateway).metrics();
      expect(countOf(summary.operations, 'vector_search')).toBe(searches);
      expect(countOf(summary.operations, 'vector_insert')).toBe(50);
      expect(summary.embeddings[0]).toMatchObject({ tenant: 'default', name: 'counted' });
      expect(summary.services.find(({ service }) => service === 'shard')).toMatchObject({ instances: 2, retiredInstances: 2 });
    }
  }, { timeout: 40_000, interval: 500 });
  expect(looks).toBeGreaterThan(6);
});

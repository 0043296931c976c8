import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.ts';
import { entry, readMessages, slot, textOf } from '../conformance/log-fixtures.ts';
import { NatsCluster } from '../nats-server/nats-cluster.ts';
import { findServer, freshOptions } from '../testing/nats-fixture.ts';
import { connectNatsBus, type NatsBusOptions } from './connect-nats-bus.ts';

const PATIENT = { timeoutMs: 60_000 } as const;

describe('nats bus over three servers', () => {
  let servers: NatsCluster;
  let options: NatsBusOptions;
  let bus: Bus;
  beforeAll(async () => {
    servers = await NatsCluster.start({ binary: await findServer(process.env['PATH']), serverCount: 3 });
    options = { ...freshOptions(servers.url), timeoutMs: 60_000 };
    bus = await connectNatsBus(options);
  }, 120_000);
  afterAll(async () => {
    await bus.close();
    await servers.close();
  });

  it('keeps three copies of everything when three servers are named', async () => {
    // One copy is what a client asks for that names one server; what is there has more, and stays as it is.
    const single = await connectNatsBus({ ...options, servers: servers.servers[0]?.url ?? '' });
    const [sequence] = await single.log.publish([entry(0, 'a')], PATIENT);
    expect(await bus.log.lastSequence(slot(0))).toBe(sequence);
    await single.close();
    await expect(connectNatsBus({ ...options, namespace: 'five', replicas: 5, timeoutMs: 1_000 })).rejects.toMatchObject({ field: 'SHOAL_NATS_REPLICAS' });
  });

  it('loses, repeats and reorders nothing while each server in turn is killed', async () => {
    const texts = Array.from({ length: 90 }, (_unused, index) => `m${index}`);
    const revision = await bus.registry.create('before', Uint8Array.of(1));
    const reading = readMessages(bus.log, 1, { count: texts.length });
    let published = 0;
    for (const server of servers.servers) {
      await server.stop('SIGKILL');
      for (const text of texts.slice(published, published + 15)) await bus.log.publish([entry(1, text)], PATIENT);
      await server.start();
      for (const text of texts.slice(published + 15, published + 30)) await bus.log.publish([entry(1, text)], PATIENT);
      published += 30;
    }
    // Refused, to be asked again, while the servers still choose who leads the registry's stream.
    await expect.poll(() => bus.registry.get('before'), { timeout: 60_000 }).toEqual({ key: 'before', value: Uint8Array.of(1), revision });
    const seen = new Map((await reading).map((message) => [textOf(message), message.sequence]));
    expect([...seen.keys()]).toEqual(texts);
    expect([...seen.values()]).toEqual([...seen.values()].toSorted((a, b) => a - b));
  }, 240_000);
});

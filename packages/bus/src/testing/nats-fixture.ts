/** What the suites that need a real server share: a server of their own, and buses in namespaces of their own. */
import { fileURLToPath } from 'node:url';
import type { Bus } from '../bus.ts';
import type { BusUnderTest } from '../conformance/bus-conformance.ts';
import { findNatsServer, type FoundServer } from '../nats-server/find-nats-server.ts';
import { NatsServer } from '../nats-server/nats-server.ts';
import { connectNatsBus, type NatsBusOptions } from '../nats/connect-nats-bus.ts';

const cacheDirectory = fileURLToPath(new URL('../../../../.cache/servers', import.meta.url));
let namespaces = 0;

/** `searchPath` is the PATH of the test run. */
export async function findServer(searchPath: string | undefined): Promise<FoundServer> {
  const binary = await findNatsServer({ cacheDirectory, searchPath: searchPath ?? '', say: console.log });
  if (binary === undefined) throw new Error('no nats-server of version 2.12 or newer was found, and none could be fetched');
  return binary;
}

export async function startOwnServer(searchPath: string | undefined): Promise<NatsServer> {
  return NatsServer.start({ binary: await findServer(searchPath) });
}

/** Four slots in two streams, in a namespace that nobody else has. */
export function freshOptions(url: string): NatsBusOptions {
  return { servers: url, slots: 4, streams: 2, timeoutMs: 15_000, name: 'shoal-test', namespace: `t-${process.pid}-${Date.now().toString(36)}-${namespaces++}` };
}

export async function openFresh(url: string): Promise<BusUnderTest> {
  const options = freshOptions(url);
  const clients: Bus[] = [];
  const client = async (): Promise<Bus> => {
    const bus = await connectNatsBus(options);
    clients.push(bus);
    return bus;
  };
  const closeAll = async (): Promise<void> => {
    await Promise.all(clients.splice(0).map((bus) => bus.close()));
  };
  return {
    bus: await client(),
    peer: client,
    reopen: async () => {
      await closeAll();
      return client();
    },
    dispose: closeAll,
  };
}

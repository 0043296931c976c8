import { fileURLToPath } from 'node:url';
import { NatsServer, findNatsServer, type FoundServer } from '@shoal/bus/nats-server';

export type { NatsServer };

const cacheDirectory = fileURLToPath(new URL('../../.cache/servers', import.meta.url));
let found: Promise<FoundServer | undefined> | undefined;

/** The nats-server that the suites use, looked for once. */
export function findServer(): Promise<FoundServer | undefined> {
  found ??= findNatsServer({ cacheDirectory, searchPath: process.env['PATH'] ?? '', say: console.log });
  return found;
}

/** A server of the test's own, which it may stop and start again. */
export async function startNatsServer(): Promise<NatsServer> {
  const binary = await findServer();
  if (binary === undefined) throw new Error('no nats-server of version 2.12 or newer was found, and none could be fetched');
  return NatsServer.start({ binary });
}

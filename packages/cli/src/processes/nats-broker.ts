/** The nats-server of a local cluster. */
import { join } from 'node:path';
import { ShoalError } from '@shoal/protocol';
import type { CliSystem } from '../cli-system.ts';
import { installationFolder } from '../installation.ts';

/** A broker that was started for the cluster. */
export interface ClusterBroker {
  readonly url: string;
  readonly description: string;
  /** Resolves when the broker ends without having been asked to. */
  readonly died: Promise<void>;
  stop(): Promise<void>;
}

/** Finds a nats-server, or fetches one, and starts it with JetStream in `storeDirectory` on a free loopback port. */
export async function startNatsBroker(storeDirectory: string, system: CliSystem): Promise<ClusterBroker> {
  // Loaded on demand: the other commands need no bus.
  const { MINIMUM_SERVER_VERSION, NatsServer, findNatsServer } = await import('@shoal/bus/nats-server');
  const say = (text: string): void => system.stderr.write(`shoal: ${text}\n`);
  const cacheDirectory = join(installationFolder(), '.cache', 'servers');
  const binary = await findNatsServer({ cacheDirectory, searchPath: system.childEnvironment['PATH'] ?? '', say });
  if (binary === undefined) {
    throw new ShoalError('bus_unreachable', `There is no nats-server ${MINIMUM_SERVER_VERSION} or newer here; install one on the PATH.`);
  }
  const server = await NatsServer.start({ binary, storeDirectory });
  return { url: server.url, description: `nats-server ${server.version} (${server.source})`, died: server.died, stop: () => server.close() };
}

/** Several nats-servers on loopback that hold each other's streams: for tests that end one of them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FoundServer } from './find-nats-server.ts';
import { freePort } from './free-port.ts';
import { NatsServer } from './nats-server.ts';

export interface NatsClusterOptions {
  readonly binary: FoundServer;
  /** Three servers go on when one of them is gone. */
  readonly serverCount: number;
}

export class NatsCluster {
  readonly servers: readonly NatsServer[];
  readonly #directory: string;

  private constructor(servers: readonly NatsServer[], directory: string) {
    this.servers = servers;
    this.#directory = directory;
  }

  static async start({ binary, serverCount }: NatsClusterOptions): Promise<NatsCluster> {
    const directory = await mkdtemp(join(tmpdir(), 'shoal-nats-'));
    const ports = new Set<number>();
    while (ports.size < serverCount) ports.add(await freePort());
    const routePorts = [...ports];
    const started = await Promise.allSettled(routePorts.map((routePort, index) => NatsServer.start({
      binary,
      storeDirectory: join(directory, `nats-${index}`),
      cluster: { serverName: `nats-${index}`, clusterName: 'shoal', routePort, routePorts: routePorts.filter((other) => other !== routePort) },
    })));
    const servers = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const cluster = new NatsCluster(servers, directory);
    const failure = started.find((result) => result.status === 'rejected');
    if (failure !== undefined) {
      await cluster.close();
      throw failure.reason;
    }
    return cluster;
  }

  /** All servers, separated by commas: what SHOAL_NATS_URL takes. */
  get url(): string {
    return this.servers.map(({ url }) => url).join(',');
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop('SIGKILL')));
    await rm(this.#directory, { recursive: true, force: true });
  }
}

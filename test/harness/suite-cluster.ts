import { afterAll, beforeAll } from 'vitest';
import { startNatsServer, type NatsServer } from './nats-server.ts';
import { ShoalCluster, type ClusterOptions } from './shoal-cluster.ts';

export interface SuiteCluster {
  readonly cluster: ShoalCluster;
  readonly nats: NatsServer;
}

/** A cluster over a nats-server of its own. `close` ends both, also when the cluster did not come up. */
export async function startCluster(options: Omit<ClusterOptions, 'natsUrl'>): Promise<SuiteCluster & { close(): Promise<void> }> {
  const nats = await startNatsServer();
  try {
    const cluster = await ShoalCluster.start({ ...options, natsUrl: nats.url });
    return {
      cluster,
      nats,
      async close() {
        await cluster.close();
        await nats.close();
      },
    };
  } catch (error) {
    await nats.close();
    throw error;
  }
}

/** One cluster for all tests of a file; what it returns may be read inside tests. */
export function suiteCluster(options: Omit<ClusterOptions, 'natsUrl'>): SuiteCluster {
  let running: Awaited<ReturnType<typeof startCluster>> | undefined;
  beforeAll(async () => {
    running = await startCluster(options);
  });
  afterAll(async () => {
    await running?.close();
  });
  const present = (): SuiteCluster => {
    if (running === undefined) throw new Error('the cluster is there inside tests only');
    return running;
  };
  return {
    get cluster() {
      return present().cluster;
    },
    get nats() {
      return present().nats;
    },
  };
}

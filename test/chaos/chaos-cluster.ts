import { connectNatsBus, type Bus } from '@shoal/bus';
import { NatsCluster } from '@shoal/bus/nats-server';
import { ShoalClient } from '@shoal/client';
import { findServer } from '../harness/nats-server.ts';
import { ShoalCluster } from '../harness/shoal-cluster.ts';
import { ClusterWatch } from './cluster-watch.ts';

export const TARGETS = { shard: 4, gateway: 2, nats: 3 } as const;
export const REPLICAS = 2;
export const SLOTS = 16;
const STREAMS = 4;
/** Lines per service. */
const COMPLAINTS = 40;

/** Three NATS servers, two gateways and four shards with two replicas of every slot, as processes on loopback; and one connection to look at them. */
export class ChaosCluster {
  readonly nats: NatsCluster;
  readonly services: ShoalCluster;
  readonly bus: Bus;
  readonly watch: ClusterWatch;

  private constructor(nats: NatsCluster, services: ShoalCluster, bus: Bus, watch: ClusterWatch) {
    this.nats = nats;
    this.services = services;
    this.bus = bus;
    this.watch = watch;
  }

  static async start(placement: 'placed' | 'fixed'): Promise<ChaosCluster> {
    const binary = await findServer();
    if (binary === undefined) throw new Error('no nats-server of version 2.12 or newer was found, and none could be fetched');
    const nats = await NatsCluster.start({ binary, serverCount: TARGETS.nats });
    let services: ShoalCluster | undefined;
    try {
      services = await ShoalCluster.start({ natsUrl: nats.url, shardCount: TARGETS.shard, gatewayCount: TARGETS.gateway, slots: SLOTS, replicas: REPLICAS, placement });
      const bus = await connectNatsBus({ servers: nats.url, slots: SLOTS, streams: STREAMS, timeoutMs: 30_000, name: 'chaos' });
      const cluster = new ChaosCluster(nats, services, bus, await ClusterWatch.start(bus));
      await cluster.untilWhole(60_000);
      return cluster;
    } catch (error) {
      await services?.close();
      await nats.close();
      throw error;
    }
  }

  untilWhole(timeoutMs: number): Promise<void> {
    return this.watch.untilWhole(SLOTS, REPLICAS, timeoutMs);
  }

  /** A client of all gateways; each prefers the gateway of its number. */
  client(number: number): ShoalClient {
    const { urls, rootKey } = this.services;
    const first = number % urls.length;
    return new ShoalClient({ url: [...urls.slice(first), ...urls.slice(0, first)], apiKey: rootKey, retries: 20, timeoutMs: 60_000 });
  }

  /** What the services last said, as far as it was not good news. */
  complaints(): readonly string[] {
    return this.services.processes.flatMap(({ name, output }) =>
      output.split('\n').filter((line) => !/"level":"?(10|20|30|trace|debug|info)\b/.test(line) && line !== '').slice(-COMPLAINTS).map((line) => `${name}: ${line}`));
  }

  async close(): Promise<void> {
    await this.watch.close();
    await this.bus.close();
    await this.services.close();
    await this.nats.close();
  }
}

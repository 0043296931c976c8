import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShoalClient } from '@shoal/client';
import { freePort } from '@shoal/bus/nats-server';
import { ServiceProcess, untilReady } from './service-process.ts';

export interface ClusterOptions {
  readonly natsUrl: string;
  readonly shardCount: number;
  readonly gatewayCount: number;
  readonly slots?: number;
  /** Shards that own each slot; 1 when absent. */
  readonly replicas?: number;
  /** Settings of every shard. */
  readonly shardSettings?: Readonly<Record<string, string>>;
}

/** Gateways and shards as processes over a nats-server that somebody else runs, each with a directory of its own. */
export class ShoalCluster {
  readonly rootKey = `test-${randomBytes(12).toString('hex')}`;
  readonly shards: ServiceProcess[] = [];
  readonly gateways: ServiceProcess[] = [];
  readonly urls: string[] = [];
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async start(options: ClusterOptions): Promise<ShoalCluster> {
    const cluster = new ShoalCluster(await mkdtemp(join(tmpdir(), 'shoal-cluster-')));
    const slots = options.slots ?? 64;
    const common = { SHOAL_NATS_URL: options.natsUrl, SHOAL_SLOTS: String(slots), SHOAL_STREAMS: '4', SHOAL_LOG_LEVEL: 'info' };
    for (let index = 0; index < options.shardCount; index += 1) {
      cluster.shards.push(
        new ServiceProcess(`shard-${index}`, 'shard', {
          ...common,
          SHOAL_SHARD_ID: `shard-${index}`,
          SHOAL_SHARD_SLOTS: ownedSlots(index, slots, options).join(','),
          SHOAL_DATA_DIR: cluster.shardDirectory(index),
          SHOAL_SEARCH_THREADS: '1',
          ...options.shardSettings,
        }),
      );
    }
    for (let index = 0; index < options.gatewayCount; index += 1) {
      const port = await freePort();
      cluster.urls.push(`http://127.0.0.1:${port}`);
      cluster.gateways.push(new ServiceProcess(`gateway-${index}`, 'gateway', { ...common, SHOAL_HTTP_HOST: '127.0.0.1', SHOAL_HTTP_PORT: String(port), SHOAL_ROOT_KEY: cluster.rootKey }));
    }
    for (const process of cluster.processes) process.start();
    try {
      await cluster.ready();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  shardDirectory(index: number): string {
    return join(this.#directory, `shard-${index}`);
  }

  get processes(): ServiceProcess[] {
    return [...this.shards, ...this.gateways];
  }

  async ready(): Promise<void> {
    for (const url of this.urls) await untilReady(url, this.processes);
  }

  /** A client of one gateway. */
  client(gateway = 0, options: { timeoutMs?: number; retries?: number } = {}): ShoalClient {
    const url = this.urls[gateway];
    if (url === undefined) throw new Error(`there is no gateway ${gateway}`);
    return new ShoalClient({ url, apiKey: this.rootKey, ...options });
  }

  async close(): Promise<void> {
    for (const process of [...this.gateways, ...this.shards]) await process.end('SIGKILL');
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Contiguous ranges, each on as many shards as there are replicas. */
function ownedSlots(index: number, slots: number, { shardCount, replicas = 1 }: ClusterOptions): number[] {
  return Array.from({ length: slots }, (_, slot) => slot).filter((slot) => (index - Math.floor((slot * shardCount) / slots) + shardCount) % shardCount < replicas);
}

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
  /** Shards that own each slot where placement is fixed; 1 when absent. */
  readonly replicas?: number;
  /** `fixed`: each shard gets a range of slots by its settings. `placed`: the cluster decides. */
  readonly placement?: 'fixed' | 'placed';
  /** Settings of every shard. */
  readonly shardSettings?: Readonly<Record<string, string>>;
  /** Settings of every process. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Redis for gateways and workers. */
  readonly redisUrl?: string;
  readonly workerCount?: number;
  readonly workerSettings?: Readonly<Record<string, string>>;
}

/** Gateways and shards as processes over a nats-server that somebody else runs, each with a directory of its own. */
export class ShoalCluster {
  readonly rootKey = `test-${randomBytes(12).toString('hex')}`;
  readonly shards: ServiceProcess[] = [];
  readonly gateways: ServiceProcess[] = [];
  readonly workers: ServiceProcess[] = [];
  readonly urls: string[] = [];
  readonly #directory: string;
  readonly #options: ClusterOptions;
  readonly #slots: number;

  private constructor(directory: string, options: ClusterOptions) {
    this.#directory = directory;
    this.#options = options;
    this.#slots = options.slots ?? 64;
  }

  static async start(options: ClusterOptions): Promise<ShoalCluster> {
    const cluster = new ShoalCluster(await mkdtemp(join(tmpdir(), 'shoal-cluster-')), options);
    for (let index = 0; index < options.shardCount; index += 1) cluster.#addShard(index);
    const redis: Readonly<Record<string, string>> = options.redisUrl === undefined ? {} : { SHOAL_REDIS_URL: options.redisUrl };
    for (let index = 0; index < options.gatewayCount; index += 1) {
      const port = await freePort();
      cluster.urls.push(`http://127.0.0.1:${port}`);
      cluster.gateways.push(new ServiceProcess(`gateway-${index}`, 'gateway', { ...cluster.#common(), SHOAL_HTTP_HOST: '127.0.0.1', SHOAL_HTTP_PORT: String(port), SHOAL_ROOT_KEY: cluster.rootKey, ...redis }));
    }
    for (let index = 0; index < (options.workerCount ?? 0); index += 1) {
      cluster.workers.push(new ServiceProcess(`worker-${index}`, 'worker', { ...redis, SHOAL_GATEWAY_URL: cluster.urls.join(','), ...options.workerSettings }));
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

  /** Starts one more shard; only for a cluster that places its slots. */
  addShard(): ServiceProcess {
    const shard = this.#addShard(this.shards.length);
    shard.start();
    return shard;
  }

  #common(): Record<string, string> {
    return { SHOAL_NATS_URL: this.#options.natsUrl, SHOAL_SLOTS: String(this.#slots), SHOAL_STREAMS: '4', SHOAL_LOG_LEVEL: 'info', ...this.#options.settings };
  }

  #addShard(index: number): ServiceProcess {
    const { placement = 'fixed', shardSettings } = this.#options;
    const shard = new ServiceProcess(`shard-${index}`, 'shard', {
      ...this.#common(),
      SHOAL_SHARD_ID: `shard-${index}`,
      ...(placement === 'fixed' ? { SHOAL_SHARD_SLOTS: ownedSlots(index, this.#slots, this.#options).join(',') } : {}),
      SHOAL_DATA_DIR: this.shardDirectory(index),
      SHOAL_SEARCH_THREADS: '1',
      ...shardSettings,
    });
    this.shards.push(shard);
    return shard;
  }

  shardDirectory(index: number): string {
    return join(this.#directory, `shard-${index}`);
  }

  get processes(): ServiceProcess[] {
    return [...this.shards, ...this.gateways, ...this.workers];
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
    for (const process of [...this.workers, ...this.gateways, ...this.shards]) await process.end('SIGKILL');
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Contiguous ranges, each on as many shards as there are replicas. */
function ownedSlots(index: number, slots: number, { shardCount, replicas = 1 }: ClusterOptions): number[] {
  return Array.from({ length: slots }, (_, slot) => slot).filter((slot) => (index - Math.floor((slot * shardCount) / slots) + shardCount) % shardCount < replicas);
}

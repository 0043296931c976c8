import { join } from 'node:path';
import { ShoalClient } from '@shoal/client';
import { parseEmbeddingCode, parsePartition, slotOf } from '@shoal/protocol';
import type { BenchData } from '../load/bench-target.ts';
import { HttpTarget } from '../load/http-target.ts';
import { LocalService, untilServed } from './local-services.ts';

export interface PathClusterOptions {
  readonly natsUrl: string;
  readonly directory: string;
  readonly port: number;
  readonly gatewayEntry: string;
  readonly shardEntry: string;
  readonly instantShardEntry: string;
  readonly searchPath: string | undefined;
  readonly data: BenchData;
  readonly m: number;
  readonly efConstruction: number;
  readonly nowMs: () => number;
  /** Such as `--cpu-prof`, for the gateway and the real shard. */
  readonly nodeArguments?: readonly string[];
  /** Settings of gateway and real shard besides those that they need. */
  readonly settings?: Readonly<Record<string, string>>;
}

const SLOTS = 64;
const STREAMS = 4;
const HALF = SLOTS / 2;
const READY_TIMEOUT_MS = 60_000;
const ROOT_KEY = 'bench-path-root-key';
const REGISTRATIONS = 64;

/**
 * One gateway over two shards: a real one has the lower half of the slots, one that answers at once the upper half. An embedding in
 * either half then takes the same path through the same processes, and differs in the shard alone.
 */
export class PathCluster {
  readonly real: HttpTarget;
  readonly instant: HttpTarget;
  /** Process ids of the gateway and the real shard. */
  readonly serviceIds: { readonly gateway: number; readonly shard: number };
  readonly #services: readonly LocalService[];

  private constructor(services: readonly LocalService[], serviceIds: PathCluster['serviceIds'], real: HttpTarget, instant: HttpTarget) {
    this.#services = services;
    this.serviceIds = serviceIds;
    this.real = real;
    this.instant = instant;
  }

  static async start(options: PathClusterOptions): Promise<PathCluster> {
    const { natsUrl, directory, port, searchPath, nodeArguments = [] } = options;
    const environment = { SHOAL_NATS_URL: natsUrl, SHOAL_SLOTS: String(SLOTS), SHOAL_STREAMS: String(STREAMS), SHOAL_LOG_LEVEL: 'warn', ...options.settings };
    const url = `http://127.0.0.1:${port}`;
    const instantArguments = JSON.stringify({ natsUrl, slots: SLOTS, streams: STREAMS, firstSlot: HALF, lastSlot: SLOTS - 1 });
    const shard = new LocalService({
      name: 'shard', entry: options.shardEntry, nodeArguments,
      environment: { ...environment, SHOAL_SHARD_ID: 'real', SHOAL_SHARD_SLOTS: `0-${HALF - 1}`, SHOAL_DATA_DIR: join(directory, 'shard'), SHOAL_SEARCH_THREADS: '1' },
    }, searchPath);
    const instant = new LocalService({ name: 'instant shard', entry: options.instantShardEntry, programArguments: [instantArguments] }, searchPath);
    const gateway = new LocalService({
      name: 'gateway', entry: options.gatewayEntry, nodeArguments,
      environment: { ...environment, SHOAL_HTTP_HOST: '127.0.0.1', SHOAL_HTTP_PORT: String(port), SHOAL_ROOT_KEY: ROOT_KEY },
    }, searchPath);
    const services = [shard, instant, gateway];
    try {
      await untilServed(url, services, READY_TIMEOUT_MS, options.nowMs);
      const processIds = services.map(({ pid }) => pid);
      const target = (embedding: string): HttpTarget => new HttpTarget({ url, apiKey: ROOT_KEY, embedding, data: options.data, processIds, description: embedding });
      const names = await embeddingsInBothHalves(url, options);
      return new PathCluster(services, { gateway: gateway.pid, shard: shard.pid }, target(names.real), target(names.instant));
    } catch (error) {
      await endAll(services);
      throw error;
    }
  }

  async close(): Promise<void> {
    await endAll(this.#services);
  }
}

async function endAll(services: readonly LocalService[]): Promise<void> {
  for (const service of services.toReversed()) await service.end();
}

/** Registers embeddings until each half of the slots has one: where an embedding lies follows from its code. */
async function embeddingsInBothHalves(url: string, { data, m, efConstruction }: PathClusterOptions): Promise<{ real: string; instant: string }> {
  const client = new ShoalClient({ url, apiKey: ROOT_KEY });
  let real: string | undefined;
  let instant: string | undefined;
  for (let attempt = 0; attempt < REGISTRATIONS; attempt += 1) {
    const { handle, description } = await client.register({ model: `path-${attempt}`, dim: data.data.dim, distance: data.distance, hnsw: { m, efConstruction } });
    const slot = slotOf(parseEmbeddingCode(description.code), parsePartition(0), SLOTS);
    if (slot < HALF) real ??= handle.name;
    else instant ??= handle.name;
    if (real !== undefined && instant !== undefined) return { real, instant };
  }
  throw new Error(`no embedding of ${REGISTRATIONS} lies in one half of the slots`);
}

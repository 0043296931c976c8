import type { ShoalClient, ShoalClientOptions } from '@shoal/client';
import { getContainerRuntimeClient, type StartedNetwork, type StartedTestContainer } from 'testcontainers';
import type { StartedShoalContainer } from './started-shoal-container.ts';

/** What a cluster consists of once it is up. */
export interface StartedParts {
  readonly network: StartedNetwork;
  /** NATS and Redis. */
  readonly servers: readonly StartedTestContainer[];
  readonly shards: readonly StartedTestContainer[];
  readonly gateways: readonly StartedShoalContainer[];
  readonly workers: readonly StartedTestContainer[];
  /** Starts the shard of this index anew, with an empty directory. */
  startShard(index: number): Promise<StartedTestContainer>;
}

/** A cluster that runs. `stop` ends all of it; `await using` does so by itself. */
export class StartedShoalCluster implements AsyncDisposable {
  readonly rootKey: string;
  readonly #parts: StartedParts;
  /** By index; undefined where the shard was killed. */
  readonly #shards: (StartedTestContainer | undefined)[];

  constructor(parts: StartedParts, rootKey: string) {
    this.#parts = parts;
    this.#shards = [...parts.shards];
    this.rootKey = rootKey;
  }

  get gateways(): readonly StartedShoalContainer[] {
    return this.#parts.gateways;
  }

  /** The containers of the shards; undefined where one was killed and not replaced. */
  get shards(): readonly (StartedTestContainer | undefined)[] {
    return this.#shards;
  }

  /** Addresses of the gateways, for programs outside of the containers. */
  get urls(): string[] {
    return this.gateways.map((gateway) => gateway.url);
  }

  /** A client of one gateway, the first by default, with the root key unless the options name another one. */
  client(gateway = 0, options: Partial<Omit<ShoalClientOptions, 'url'>> = {}): ShoalClient {
    const container = this.gateways[gateway];
    if (container === undefined) throw new RangeError(`gateway is ${gateway}; there are ${this.gateways.length}, counted from 0.`);
    return container.client(options);
  }

  /** Ends a shard as a crash does, and removes its container with everything that it had on disk. */
  async killShard(index: number): Promise<void> {
    const shard = this.#shards[index];
    if (shard === undefined) throw new RangeError(`shard is ${index}; no shard of that index runs.`);
    const { container } = await getContainerRuntimeClient();
    await container.getById(shard.getId()).kill({ signal: 'SIGKILL' });
    this.#shards[index] = undefined;
    await shard.stop({ timeout: 0 });
  }

  /**
   * Starts a killed shard anew, with an empty directory: it restores the newest snapshots and replays the log. Resolves when its
   * process has started; `client().ready()` tells when every slot is served again.
   */
  async replaceShard(index: number): Promise<void> {
    if (index >= this.#shards.length || this.#shards[index] !== undefined) throw new RangeError(`shard is ${index}; only a shard that was killed can be replaced.`);
    this.#shards[index] = await this.#parts.startShard(index);
  }

  /** Ends everything: workers, gateways, shards, NATS and Redis, the network. */
  async stop(): Promise<void> {
    const { gateways, servers, network, workers } = this.#parts;
    const shards = this.#shards.filter((shard) => shard !== undefined);
    for (const group of [workers, gateways, shards, servers]) await Promise.all(group.map((container) => container.stop({ timeout: 0 })));
    await network.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

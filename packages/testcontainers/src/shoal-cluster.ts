import { randomBytes } from 'node:crypto';
import { GenericContainer, Network, Wait, type StartedNetwork, type StartedTestContainer } from 'testcontainers';
import { TESTCONTAINERS_LIMITS } from './limits.ts';
import { HTTP_PORT, NATS_PORT, REDIS_PORT } from './ports.ts';
import { StartedShoalCluster, type StartedParts } from './started-shoal-cluster.ts';
import { StartedShoalContainer } from './started-shoal-container.ts';

export interface ShoalClusterOptions {
  /** Shoal's image, such as `shoal:0.1.0`. */
  readonly image: string;
  /** nats-server 2.12 or newer; `nats:2.15-alpine` by default. */
  readonly natsImage?: string;
  /** Redis 7 or newer; `redis:7-alpine` by default. */
  readonly redisImage?: string;
  /** 1 to 16; 3 by default. */
  readonly shards?: number;
  /** 1 to 8; 1 by default. */
  readonly gateways?: number;
  /** Processes that run import jobs, 0 to 8; none by default. */
  readonly workers?: number;
  /** Slots of the log; 16 by default, which starts faster than the 64 of a deployment. */
  readonly slots?: number;
  /** A random one by default. */
  readonly rootKey?: string;
  /** Further settings of every Shoal process. */
  readonly environment?: Readonly<Record<string, string>>;
}

type Settings = Required<ShoalClusterOptions>;

const NATS_ALIAS = 'nats';
const REDIS_ALIAS = 'redis';
const gatewayAlias = (index: number): string => `gateway-${index}`;

function whole(value: number, name: string, maximum: number, minimum = 1): number {
  if (!Number.isInteger(value) || value < minimum || value > maximum) throw new RangeError(`${name} is ${value}; it must be a whole number from ${minimum} to ${maximum}.`);
  return value;
}

/**
 * NATS, Redis, gateways and shards, each in a container of its own, on one network. Started means that every gateway answers and
 * every slot is served.
 */
export class ShoalCluster {
  readonly #settings: Settings;

  /** Throws a RangeError for counts out of bounds. */
  constructor(options: ShoalClusterOptions) {
    const { natsImage = 'nats:2.15-alpine', redisImage = 'redis:7-alpine', rootKey = randomBytes(16).toString('hex'), environment = {} } = options;
    const shards = whole(options.shards ?? 3, 'shards', TESTCONTAINERS_LIMITS.shards);
    const gateways = whole(options.gateways ?? 1, 'gateways', TESTCONTAINERS_LIMITS.gateways);
    const workers = whole(options.workers ?? 0, 'workers', TESTCONTAINERS_LIMITS.workers, 0);
    const slots = whole(options.slots ?? 16, 'slots', 1024);
    if (slots < shards) throw new RangeError(`slots is ${slots}; it must be at least the number of shards, ${shards}.`);
    this.#settings = { image: options.image, natsImage, redisImage, shards, gateways, workers, slots, rootKey, environment };
  }

  /** Starts everything; when one container fails, the others are ended before the error is thrown. */
  async start(): Promise<StartedShoalCluster> {
    const network = await new Network().start();
    const started: StartedTestContainer[] = [];
    const keep = async <Container extends StartedTestContainer>(starting: Promise<Container>): Promise<Container> => {
      const container = await starting;
      started.push(container);
      return container;
    };
    try {
      return new StartedShoalCluster(await this.#startParts(network, keep), this.#settings.rootKey);
    } catch (error) {
      for (const container of started.toReversed()) await container.stop({ timeout: 0 });
      await network.stop();
      throw error;
    }
  }

  async #startParts(network: StartedNetwork, keep: <Container extends StartedTestContainer>(starting: Promise<Container>) => Promise<Container>): Promise<StartedParts> {
    const { gateways, shards, workers } = this.#settings;
    const [nats, redis] = await settled([keep(this.#nats(network)), keep(this.#redis(network))]);
    const startShard = (index: number): Promise<StartedTestContainer> => keep(this.#shard(network, index));
    const shardsStarted = Array.from({ length: shards }, (_unused, index) => startShard(index));
    const gatewaysStarted = Array.from({ length: gateways }, (_unused, index) => keep(this.#gateway(network, index)));
    const containers = await settled([...shardsStarted, ...gatewaysStarted]);
    const workersStarted = await settled(Array.from({ length: workers }, () => keep(this.#worker(network))));
    if (nats === undefined || redis === undefined) throw new Error('both servers were started');
    return { network, servers: [nats, redis], shards: containers.slice(0, shards), gateways: containers.slice(shards) as StartedShoalContainer[], workers: workersStarted, startShard };
  }

  #nats(network: StartedNetwork): Promise<StartedTestContainer> {
    return new GenericContainer(this.#settings.natsImage)
      .withCommand(['--jetstream', '--store_dir', '/tmp/nats'])
      .withNetwork(network)
      .withNetworkAliases(NATS_ALIAS)
      .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
      .withStartupTimeout(TESTCONTAINERS_LIMITS.startTimeoutMs)
      .start();
  }

  #redis(network: StartedNetwork): Promise<StartedTestContainer> {
    return new GenericContainer(this.#settings.redisImage)
      .withCommand(['redis-server', '--protected-mode', 'no', '--maxmemory-policy', 'noeviction', '--save', ''])
      .withNetwork(network)
      .withNetworkAliases(REDIS_ALIAS)
      .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
      .withStartupTimeout(TESTCONTAINERS_LIMITS.startTimeoutMs)
      .start();
  }

  #service(network: StartedNetwork, service: string): GenericContainer {
    return new GenericContainer(this.#settings.image)
      .withCommand([service])
      .withNetwork(network)
      .withEnvironment({ SHOAL_NATS_URL: `nats://${NATS_ALIAS}:${NATS_PORT}`, SHOAL_SLOTS: String(this.#settings.slots), SHOAL_LOG_LEVEL: 'info', ...this.#settings.environment })
      .withStartupTimeout(TESTCONTAINERS_LIMITS.startTimeoutMs);
  }

  #shard(network: StartedNetwork, index: number): Promise<StartedTestContainer> {
    const { shards, slots } = this.#settings;
    const first = Math.floor((index * slots) / shards);
    const last = Math.floor(((index + 1) * slots) / shards) - 1;
    return this.#service(network, 'shard')
      .withEnvironment({ SHOAL_SHARD_ID: `shard-${index}`, SHOAL_SHARD_SLOTS: `${first}-${last}`, SHOAL_SEARCH_THREADS: '1', ...this.#settings.environment })
      .withWaitStrategy(Wait.forLogMessage(/shard started/))
      .start();
  }

  #worker(network: StartedNetwork): Promise<StartedTestContainer> {
    const gatewayUrls = Array.from({ length: this.#settings.gateways }, (_unused, index) => `http://${gatewayAlias(index)}:${HTTP_PORT}`);
    return this.#service(network, 'worker')
      .withEnvironment({ SHOAL_REDIS_URL: `redis://${REDIS_ALIAS}:${REDIS_PORT}`, SHOAL_GATEWAY_URL: gatewayUrls.join(','), SHOAL_WORKER_THREADS: '1', ...this.#settings.environment })
      .withWaitStrategy(Wait.forLogMessage(/the worker takes jobs/))
      .start();
  }

  async #gateway(network: StartedNetwork, index: number): Promise<StartedShoalContainer> {
    const container = await this.#service(network, 'gateway')
      .withEnvironment({ SHOAL_ROOT_KEY: this.#settings.rootKey, SHOAL_REDIS_URL: `redis://${REDIS_ALIAS}:${REDIS_PORT}` })
      .withNetworkAliases(gatewayAlias(index))
      .withExposedPorts(HTTP_PORT)
      .withWaitStrategy(Wait.forHttp('/readyz', HTTP_PORT).forStatusCode(200))
      .start();
    return new StartedShoalContainer(container, this.#settings.rootKey);
  }
}

/** All results, or the first error once nothing is under way any more: what has started by then can be ended. */
async function settled<Value>(promises: readonly Promise<Value>[]): Promise<Value[]> {
  const results = await Promise.allSettled(promises);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

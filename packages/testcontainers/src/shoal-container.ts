import { randomBytes } from 'node:crypto';
import { GenericContainer, Wait } from 'testcontainers';
import { TESTCONTAINERS_LIMITS } from './limits.ts';
import { HTTP_PORT } from './ports.ts';
import { StartedShoalContainer } from './started-shoal-container.ts';

/**
 * An embedded node in one container: gateway, log and shard in one process. Started means that it answers searches. What is
 * written lives as long as the container; the log is not fsynced, because nothing shall outlive a test.
 */
export class ShoalContainer extends GenericContainer {
  #rootKey = randomBytes(16).toString('hex');

  /** `image` is Shoal's, such as `shoal:0.1.0`. */
  constructor(image: string) {
    super(image);
    this.withCommand(['node'])
      .withEnvironment({ SHOAL_DURABILITY: 'os', SHOAL_SEARCH_THREADS: '1' })
      .withExposedPorts(HTTP_PORT)
      .withWaitStrategy(Wait.forHttp('/readyz', HTTP_PORT).forStatusCode(200))
      .withStartupTimeout(TESTCONTAINERS_LIMITS.startTimeoutMs);
  }

  /** The root key, where a test needs to know it beforehand; otherwise a random one. */
  withRootKey(rootKey: string): this {
    this.#rootKey = rootKey;
    return this;
  }

  override async start(): Promise<StartedShoalContainer> {
    this.withEnvironment({ SHOAL_ROOT_KEY: this.#rootKey });
    return new StartedShoalContainer(await super.start(), this.#rootKey);
  }
}

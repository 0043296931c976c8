import { ShoalClient, type ShoalClientOptions } from '@shoal/client';
import { AbstractStartedContainer, type StartedTestContainer } from 'testcontainers';
import { HTTP_PORT } from './ports.ts';

/** A service with Shoal's HTTP API in a container: an embedded node, or a gateway of a cluster. */
export class StartedShoalContainer extends AbstractStartedContainer {
  /** The key that may do everything. */
  readonly rootKey: string;

  constructor(container: StartedTestContainer, rootKey: string) {
    super(container);
    this.rootKey = rootKey;
  }

  /** Where the API answers, for programs outside of the container. */
  get url(): string {
    return `http://${this.getHost()}:${this.getMappedPort(HTTP_PORT)}`;
  }

  /** A client with the root key, unless the options name another one. */
  client(options: Partial<Omit<ShoalClientOptions, 'url'>> = {}): ShoalClient {
    return new ShoalClient({ apiKey: this.rootKey, ...options, url: this.url });
  }
}

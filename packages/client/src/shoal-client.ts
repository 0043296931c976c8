import { ShoalError, type ClusterResponse, type EmbeddingDescription, type EmbeddingListResponse, type RegisterRequest, type RegisterResponse } from '@shoal/protocol';
import { parseClientOptions, type CallOptions, type ClientSettings, type ShoalClientOptions } from './client-options.ts';
import { EmbeddingHandle } from './embedding-handle.ts';
import { HttpTransport } from './http-transport.ts';
import { CLIENT_LIMITS } from './limits.ts';

export interface RegisteredEmbedding {
  readonly handle: EmbeddingHandle;
  readonly description: RegisterResponse;
}

/**
 * Client of one Shoal cluster, or of an embedded node. Holds no resources of its own: connections are kept alive by the
 * runtime's fetch. Every method fails with ShoalError: ShoalClientError when it was sent, ShoalError when it was refused before that.
 */
export class ShoalClient {
  readonly #settings: ClientSettings;
  readonly #transport: HttpTransport;

  /** Throws `invalid_field` for options that cannot be. */
  constructor(options: ShoalClientOptions) {
    this.#settings = parseClientOptions(options);
    this.#transport = new HttpTransport(this.#settings);
  }

  get url(): string {
    return this.#settings.url;
  }

  /** Registers an embedding, or finds the one that is registered with the same model, dimension and distance. */
  async register(registration: RegisterRequest, options: CallOptions = {}): Promise<RegisteredEmbedding> {
    const body = { mediaType: 'application/json', content: JSON.stringify(registration) };
    const description = (await this.#transport.call({ method: 'POST', path: '/v1/embeddings', body }, options)) as RegisterResponse;
    return { description, handle: this.embedding(description.name) };
  }

  /** All embeddings of the key's tenant. */
  async embeddings(options: CallOptions = {}): Promise<readonly EmbeddingDescription[]> {
    const { embeddings } = (await this.#transport.call({ method: 'GET', path: '/v1/embeddings' }, options)) as EmbeddingListResponse;
    return embeddings;
  }

  /** A handle by name; sends nothing and does not check that the embedding exists. */
  embedding(name: string): EmbeddingHandle {
    return new EmbeddingHandle(this.#transport, name);
  }

  /** Shards, slots and progress. */
  async cluster(options: CallOptions = {}): Promise<ClusterResponse> {
    return (await this.#transport.call({ method: 'GET', path: '/v1/cluster' }, options)) as ClusterResponse;
  }

  /** Succeeds when the gateway's process answers. Not retried. */
  async health(options: CallOptions = {}): Promise<void> {
    await this.#transport.call({ method: 'GET', path: '/healthz', retry: false }, options);
  }

  /** Whether the gateway takes requests. False while it starts, stops or cannot be reached; other errors are thrown. Not retried. */
  async ready(options: CallOptions = {}): Promise<boolean> {
    try {
      await this.#transport.call({ method: 'GET', path: '/readyz', retry: false }, options);
      return true;
    } catch (error) {
      if (error instanceof ShoalError && error.code === 'not_ready') return false;
      throw error;
    }
  }

  /** Asks until the gateway is ready; `deadline_exceeded` when `timeoutMs` (30,000 by default) is over. */
  async waitUntilReady(options: CallOptions = {}): Promise<void> {
    const { now, wait } = this.#settings;
    const timeoutMs = options.timeoutMs ?? CLIENT_LIMITS.defaultTimeoutMs;
    const deadlineMs = now() + timeoutMs;
    while (!(await this.ready({ ...options, timeoutMs: Math.max(1, Math.ceil(deadlineMs - now())) }))) {
      if (now() + CLIENT_LIMITS.readyPollMs >= deadlineMs) {
        throw new ShoalError('deadline_exceeded', `${this.url} was not ready within ${timeoutMs} ms.`);
      }
      await wait(CLIENT_LIMITS.readyPollMs, options.signal);
    }
  }
}


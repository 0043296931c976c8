import { ShoalError, type ClusterResponse, type EmbeddingDescription, type EmbeddingListResponse, type LimitsResponse, type MetricsSummary, type RegisterRequest, type RegisterResponse } from '@shoal/protocol';
import { AliasesApi } from './aliases-api.ts';
import { ImportsApi } from './imports-api.ts';
import { BackupApi } from './backup-api.ts';
import { parseClientOptions, type CallOptions, type ClientSettings, type ShoalClientOptions } from './client-options.ts';
import { EmbeddingHandle } from './embedding-handle.ts';
import { HttpTransport } from './http-transport.ts';
import { KeysApi } from './keys-api.ts';
import { CLIENT_LIMITS } from './limits.ts';
import { allPages } from './pages.ts';
import { replicaDigestsOf, type SlotDigests } from './replica-digests.ts';
import { PlacementApi } from './placement-api.ts';
import { verifyReplicas, type SlotVerification, type VerifyOptions } from './verify-replicas.ts';
import { TenantsApi } from './tenants-api.ts';
import type { PayloadObject } from './vector-batches.ts';

export interface RegisteredEmbedding<Payload extends object = PayloadObject> {
  readonly handle: EmbeddingHandle<Payload>;
  readonly description: RegisterResponse;
}

/**
 * Client of one Shoal cluster, or of an embedded node. Holds no resources of its own: connections are kept alive by the
 * runtime's fetch. Every method fails with ShoalError: ShoalClientError when it was sent, ShoalError when it was refused before that.
 */
export class ShoalClient {
  readonly #settings: ClientSettings;
  readonly #transport: HttpTransport;
  readonly tenants: TenantsApi;
  readonly keys: KeysApi;
  readonly aliases: AliasesApi;
  readonly imports: ImportsApi;
  readonly backup: BackupApi;
  readonly placement: PlacementApi;

  /** Throws `invalid_field` for options that cannot be. */
  constructor(options: ShoalClientOptions) {
    this.#settings = parseClientOptions(options);
    this.#transport = new HttpTransport(this.#settings);
    this.tenants = new TenantsApi(this.#transport);
    this.keys = new KeysApi(this.#transport);
    this.aliases = new AliasesApi(this.#transport);
    this.imports = new ImportsApi(this.#transport);
    this.backup = new BackupApi(this.#transport);
    this.placement = new PlacementApi(this.#transport);
  }

  /** The gateway that is asked now. */
  get url(): string {
    return this.#transport.url;
  }

  /** Registers an embedding, or finds the one that is registered with the same model, dimension and distance. */
  async register<Payload extends object = PayloadObject>(registration: RegisterRequest, options: CallOptions = {}): Promise<RegisteredEmbedding<Payload>> {
    const body = { mediaType: 'application/json', content: JSON.stringify(registration) };
    const description = (await this.#transport.call({ method: 'POST', path: '/v1/embeddings', body }, options)) as RegisterResponse;
    return { description, handle: this.embedding<Payload>(description.name) };
  }

  /** All embeddings that the key may use. */
  async embeddings(options: CallOptions = {}): Promise<readonly EmbeddingDescription[]> {
    return allPages(this.#transport, '/v1/embeddings', (page: EmbeddingListResponse) => page.embeddings, options);
  }

  /** A handle by name; sends nothing and does not check that the embedding exists. */
  embedding<Payload extends object = PayloadObject>(name: string): EmbeddingHandle<Payload> {
    return new EmbeddingHandle<Payload>(this.#transport, name);
  }

  /** The limits that apply to the key's tenant. */
  async limits(options: CallOptions = {}): Promise<LimitsResponse> {
    return (await this.#transport.call({ method: 'GET', path: '/v1/limits' }, options)) as LimitsResponse;
  }

  /** What the whole cluster did: counts, rates and percentiles. Needs the root key. */
  async metrics(options: CallOptions = {}): Promise<MetricsSummary> {
    return (await this.#transport.call({ method: 'GET', path: '/v1/metrics/summary' }, options)) as MetricsSummary;
  }

  /** Shards, slots and progress. Needs the root key. */
  async cluster(options: CallOptions = {}): Promise<ClusterResponse> {
    return (await this.#transport.call({ method: 'GET', path: '/v1/cluster' }, options)) as ClusterResponse;
  }

  /** What each replica of each slot holds, as a digest at its applied sequence. Needs the root key. */
  async replicaDigests(options: CallOptions = {}): Promise<SlotDigests[]> {
    return replicaDigestsOf(await this.cluster(options));
  }

  /** Has every replica read all its rows again, and tells slot by slot whether they are what was written and the same on all. Needs the root key. */
  verifyReplicas(options: VerifyOptions = {}): Promise<SlotVerification[]> {
    const { now, wait } = this.#settings;
    return verifyReplicas({ transport: this.#transport, cluster: (call) => this.cluster(call), now, wait }, options);
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


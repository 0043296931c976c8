import type { BackedUpEmbeddings, BackedUpTenant, BackupStart, EmbeddingDescription, KeyDescription, RestoreKeyJson } from '@shoal/protocol';
import type { CallOptions } from './client-options.ts';
import type { HttpTransport } from './http-transport.ts';
import { allPages } from './pages.ts';
import { jsonBody } from './tenants-api.ts';

/** What `shoal backup` and `shoal restore` need beyond reading and writing. All of it needs the root key. */
export class BackupApi {
  readonly #transport: HttpTransport;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  /** Where the log stands now: a receipt for everything that was acknowledged before. */
  async start(options: CallOptions = {}): Promise<BackupStart> {
    return (await this.#transport.call({ method: 'GET', path: '/v1/backup' }, options)) as BackupStart;
  }

  /** A tenant with its quotas, aliases and the hashes of its keys. */
  async tenant(tenant: string, options: CallOptions = {}): Promise<BackedUpTenant> {
    return (await this.#transport.call({ method: 'GET', path: pathOf(tenant) }, options)) as BackedUpTenant;
  }

  /** The embeddings of a tenant that take writes, with every declared field. */
  async embeddings(tenant: string, options: CallOptions = {}): Promise<readonly EmbeddingDescription[]> {
    return allPages(this.#transport, `${pathOf(tenant)}/embeddings`, (page: BackedUpEmbeddings) => page.embeddings, options);
  }

  /** A slot up to a sequence as `SlotBackupDecoder` reads it. Not retried: a stream that fails is asked for again as a whole. */
  slot(slot: number, to?: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#transport.stream({ method: 'GET', path: `/v1/backup/slots/${slot}${to === undefined ? '' : `?to=${to}`}` }, signal);
  }

  /** Brings a key of the client's tenant back. Repeating it changes nothing. */
  async restoreKey(id: string, key: RestoreKeyJson, options: CallOptions = {}): Promise<KeyDescription> {
    return (await this.#transport.call({ method: 'PUT', path: `/v1/keys/${encodeURIComponent(id)}`, body: jsonBody(key) }, options)) as KeyDescription;
  }
}

const pathOf = (tenant: string): string => `/v1/backup/tenants/${encodeURIComponent(tenant)}`;

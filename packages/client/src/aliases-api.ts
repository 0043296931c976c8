import type { Alias, AliasList } from '@shoal/protocol';
import { ShoalClientError } from './client-error.ts';
import type { CallOptions } from './client-options.ts';
import type { HttpTransport } from './http-transport.ts';
import { jsonBody } from './tenants-api.ts';

/** Further names of embeddings; changing them needs a key with the role admin. */
export class AliasesApi {
  readonly #transport: HttpTransport;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  async list(options: CallOptions = {}): Promise<readonly Alias[]> {
    return ((await this.#transport.call({ method: 'GET', path: '/v1/aliases' }, options)) as AliasList).aliases;
  }

  /** Points an alias at an embedding, wherever it pointed before: requests mean the old one or the new one, never neither. */
  async set(alias: string, embedding: string, options: CallOptions = {}): Promise<Alias> {
    return (await this.#transport.call({ method: 'PUT', path: pathOf(alias), body: jsonBody({ embedding }) }, options)) as Alias;
  }

  /** The embedding stays. A retried deletion that finds the alias gone has succeeded. */
  async delete(alias: string, options: CallOptions = {}): Promise<void> {
    try {
      await this.#transport.call({ method: 'DELETE', path: pathOf(alias) }, options);
    } catch (error) {
      if (!(error instanceof ShoalClientError) || error.code !== 'alias_not_found' || error.attempts === 1) throw error;
    }
  }
}

const pathOf = (alias: string): string => `/v1/aliases/${encodeURIComponent(alias)}`;

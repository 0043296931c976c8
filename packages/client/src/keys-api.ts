import type { KeyDescription, KeyListResponse, KeyRequestJson, NewKeyResponse } from '@shoal/protocol';
import { ShoalClientError } from './client-error.ts';
import type { CallOptions } from './client-options.ts';
import type { HttpTransport } from './http-transport.ts';
import { allPages } from './pages.ts';
import { jsonBody } from './tenants-api.ts';

/** The API keys of the tenant; needs a key with the role admin, or the root key. */
export class KeysApi {
  readonly #transport: HttpTransport;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  /** The answer holds the key itself, for the only time. Not retried: a lost answer is a key that nobody has, to be revoked from the list. */
  async create(request: KeyRequestJson, options: CallOptions = {}): Promise<NewKeyResponse> {
    return (await this.#transport.call({ method: 'POST', path: '/v1/keys', body: jsonBody(request), retry: false }, options)) as NewKeyResponse;
  }

  async list(options: CallOptions = {}): Promise<readonly KeyDescription[]> {
    return allPages(this.#transport, '/v1/keys', (page: KeyListResponse) => page.keys, options);
  }

  /** A retried revocation that finds the key gone has succeeded. */
  async revoke(id: string, options: CallOptions = {}): Promise<void> {
    try {
      await this.#transport.call({ method: 'DELETE', path: `/v1/keys/${encodeURIComponent(id)}` }, options);
    } catch (error) {
      if (!(error instanceof ShoalClientError) || error.code !== 'key_not_found' || error.attempts === 1) throw error;
    }
  }
}

import type { ImportListResponse, ImportRejection, ImportReportResponse, ImportRequestJson, ImportResponse } from '@shoal/protocol';
import type { CallOptions, WriteCallOptions } from './client-options.ts';
import type { HttpTransport } from './http-transport.ts';
import { allPages } from './pages.ts';
import { jsonBody } from './tenants-api.ts';

const pathOf = (id: string): string => `/v1/imports/${encodeURIComponent(id)}`;

/** Imports of the tenant: the server's workers read the sources, so what they can reach counts, not what this process can. */
export class ImportsApi {
  readonly #transport: HttpTransport;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  /** Queues an import. With an idempotency key of the caller's the same import comes back however often it is asked for. Throws `embedding_not_found`, `too_many_imports`. */
  async create(request: ImportRequestJson, options: WriteCallOptions = {}): Promise<ImportResponse> {
    return (await this.#transport.call({ method: 'POST', path: '/v1/imports', body: jsonBody(request), once: true }, options)) as ImportResponse;
  }

  /** By id. */
  list(options: CallOptions = {}): Promise<readonly ImportResponse[]> {
    return allPages(this.#transport, '/v1/imports', (page: ImportListResponse) => page.imports, options);
  }

  /** Throws `import_not_found`. */
  async get(id: string, options: CallOptions = {}): Promise<ImportResponse> {
    return (await this.#transport.call({ method: 'GET', path: pathOf(id) }, options)) as ImportResponse;
  }

  /** What is in stays in; nothing more comes. Throws `import_conflict` when it has ended. */
  pause(id: string, options: CallOptions = {}): Promise<ImportResponse> {
    return this.#steer(id, 'pause', options);
  }

  /** A paused import, or one that failed, goes on where it was. */
  resume(id: string, options: CallOptions = {}): Promise<ImportResponse> {
    return this.#steer(id, 'resume', options);
  }

  /** What is in stays in; nothing more comes, for good. */
  cancel(id: string, options: CallOptions = {}): Promise<ImportResponse> {
    return this.#steer(id, 'cancel', options);
  }

  /** Forgets an import that has ended, with its report. Throws `import_conflict` when it has not. */
  async delete(id: string, options: CallOptions = {}): Promise<void> {
    await this.#transport.call({ method: 'DELETE', path: pathOf(id) }, options);
  }

  /** The rows that were left out, in their order, page by page. */
  async *report(id: string, options: CallOptions = {}): AsyncGenerator<ImportRejection> {
    let cursor: string | undefined;
    do {
      const query: string = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
      const page = (await this.#transport.call({ method: 'GET', path: `${pathOf(id)}/report${query}` }, options)) as ImportReportResponse;
      yield* page.rejections;
      cursor = page.next;
    } while (cursor !== undefined);
  }

  async #steer(id: string, verb: 'pause' | 'resume' | 'cancel', options: CallOptions): Promise<ImportResponse> {
    return (await this.#transport.call({ method: 'POST', path: `${pathOf(id)}/${verb}` }, options)) as ImportResponse;
  }
}

import type { AuditEvent, AuditResponse, TenantChangeJson, TenantListResponse, TenantRequestJson, TenantResponse, UsageResponse } from '@shoal/protocol';
import { ShoalClientError } from './client-error.ts';
import type { CallOptions } from './client-options.ts';
import type { HttpTransport } from './http-transport.ts';
import { allPages } from './pages.ts';

export const jsonBody = (value: unknown) => ({ mediaType: 'application/json', content: JSON.stringify(value) });

/** Tenants. All but `get`, `usage` and `audit` of a key's own tenant need the root key. */
export class TenantsApi {
  readonly #transport: HttpTransport;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  /** Creating a tenant again with the same quotas changes nothing. */
  async create(request: TenantRequestJson, options: CallOptions = {}): Promise<TenantResponse> {
    return (await this.#transport.call({ method: 'POST', path: '/v1/tenants', body: jsonBody(request) }, options)) as TenantResponse;
  }

  async list(options: CallOptions = {}): Promise<readonly TenantResponse[]> {
    return allPages(this.#transport, '/v1/tenants', (page: TenantListResponse) => page.tenants, options);
  }

  async get(tenant: string, options: CallOptions = {}): Promise<TenantResponse> {
    return (await this.#transport.call({ method: 'GET', path: pathOf(tenant) }, options)) as TenantResponse;
  }

  /** Changes the quotas that are named; null takes one away. */
  async update(tenant: string, change: TenantChangeJson, options: CallOptions = {}): Promise<TenantResponse> {
    return (await this.#transport.call({ method: 'PATCH', path: pathOf(tenant), body: jsonBody(change) }, options)) as TenantResponse;
  }

  /** Deletes the tenant with its keys and embeddings. A retried deletion that finds it gone has succeeded. */
  async delete(tenant: string, options: CallOptions = {}): Promise<void> {
    try {
      await this.#transport.call({ method: 'DELETE', path: pathOf(tenant) }, options);
    } catch (error) {
      if (!(error instanceof ShoalClientError) || error.code !== 'tenant_not_found' || error.attempts === 1) throw error;
    }
  }

  /** What the tenant has used and has. */
  async usage(tenant: string, options: CallOptions = {}): Promise<UsageResponse> {
    return (await this.#transport.call({ method: 'GET', path: `${pathOf(tenant)}/usage` }, options)) as UsageResponse;
  }

  /** Administrative acts inside the tenant, the latest first. */
  async audit(tenant: string, options: CallOptions = {}): Promise<readonly AuditEvent[]> {
    return ((await this.#transport.call({ method: 'GET', path: `${pathOf(tenant)}/audit` }, options)) as AuditResponse).events;
  }

  /** What was done to tenants, the latest first. */
  async auditOfAll(options: CallOptions = {}): Promise<readonly AuditEvent[]> {
    return ((await this.#transport.call({ method: 'GET', path: '/v1/audit' }, options)) as AuditResponse).events;
  }
}

const pathOf = (tenant: string): string => `/v1/tenants/${encodeURIComponent(tenant)}`;

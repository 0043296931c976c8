import type { Bus } from '@shoal/bus';
import type { Clock, Timers } from '@shoal/pacing';
import type { OperationId, TenantId, TenantQuotas } from '@shoal/protocol';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { BoundedRegistry } from '../catalogue/bounded-registry.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import { RegistryFeed } from '../registry/registry-feed.ts';
import { AccessDirectory } from './access-directory.ts';
import { ACCESS_PREFIX } from './access-records.ts';
import { Administration } from './administration.ts';
import { AuditLog } from './audit-log.ts';
import { StorageQuotas, type Stock } from './storage-quotas.ts';
import { TenantRates } from './tenant-rates.ts';
import { UsageMeter } from './usage-meter.ts';

export interface TenancyDependencies {
  readonly bus: Pick<Bus, 'registry'>;
  readonly catalogue: Pick<Catalogue, 'list' | 'drop'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly redis?: Redis;
  /** What the shards say that a tenant has stored. */
  readonly measure: (tenant: TenantId) => Promise<Stock>;
  newOperationId(): OperationId;
}

/** Everything about tenants in one gateway: who they are, what they may do, what they have used, and what was done to them. */
export class Tenancy {
  readonly directory = new AccessDirectory();
  readonly administration: Administration;
  readonly audit: AuditLog;
  readonly usage: UsageMeter;
  readonly rates: TenantRates;
  readonly storage: StorageQuotas;
  readonly #feed: RegistryFeed;

  constructor(dependencies: TenancyDependencies) {
    const { bus, catalogue, clock, timers, logger, redis, measure } = dependencies;
    const { directory } = this;
    const registry = new BoundedRegistry(bus.registry, GATEWAY_LIMITS.registryTimeoutMs, timers);
    const newOperationId = (): OperationId => dependencies.newOperationId();
    this.#feed = new RegistryFeed({ registry: bus.registry, prefix: ACCESS_PREFIX, onChange: (change) => directory.apply(change), timers, logger });
    this.administration = new Administration({ registry, directory, catalogue, clock, timers, newOperationId });
    this.audit = new AuditLog({ registry: bus.registry, bounded: registry, clock, timers, logger });
    this.usage = new UsageMeter({ registry, writer: newOperationId(), clock, timers, logger });
    this.storage = new StorageQuotas({ clock, measure });
    this.rates = new TenantRates({ logger, ...(redis === undefined ? {} : { redis }) });
  }

  /** Whether tenants and keys are known. */
  get loaded(): boolean {
    return this.#feed.loaded;
  }

  quotasOf(tenant: TenantId): TenantQuotas {
    return this.directory.tenant(tenant)?.quotas ?? {};
  }

  /** Before vectors are written or deleted. Throws `rate_limited` or `quota_exceeded`. */
  async admitVectors(tenant: TenantId, vectorCount: number, added: Stock): Promise<void> {
    const quotas = this.quotasOf(tenant);
    await this.rates.take(tenant, 'vectorsPerSecond', quotas.vectorsPerSecond, vectorCount);
    if (added.vectors > 0 || added.bytes > 0) await this.storage.admit(tenant, quotas, added);
  }

  async start(): Promise<void> {
    await this.#feed.start();
    this.usage.start();
  }

  async close(): Promise<void> {
    await this.usage.close();
    await this.#feed.close();
  }
}

import type { RegistryChange } from '@shoal/bus';
import { DEFAULT_TENANT, type TenantId } from '@shoal/protocol';
import { GATEWAY_LIMITS } from '../limits.ts';
import { decodeKey, decodeTenant, subjectOf, type KeyRecord, type TenantRecord } from './access-records.ts';

interface Known<Entry> {
  readonly record: Entry;
  readonly revision: number;
}

/** Is there without being created. */
const DEFAULT_RECORD: TenantRecord = { tenant: DEFAULT_TENANT, state: 'active', quotas: {}, createdAtMs: 0 };

/** This gateway's view of tenants and keys; fed by the watch and by its own writes, newest revision wins. */
export class AccessDirectory {
  readonly #tenants = new Map<TenantId, Known<TenantRecord>>();
  readonly #keys = new Map<string, Known<KeyRecord>>();
  readonly #keysByTenant = new Map<TenantId, Map<string, KeyRecord>>();
  /** Registry keys that were deleted, so that an older write that is heard of late brings nothing back. */
  readonly #deleted = new Map<string, number>();

  apply({ key, value, revision }: RegistryChange): void {
    const subject = subjectOf(key);
    if (subject === undefined || (this.#deleted.get(key) ?? 0) > revision) return;
    if (value === undefined) this.#noteDeletion(key, revision);
    if (subject.type === 'tenant') this.#setTenant(subject.tenant, value && { record: decodeTenant(key, value), revision });
    else this.#setKey(subject.id, value && { record: decodeKey(key, value), revision });
  }

  tenant(tenant: TenantId): TenantRecord | undefined {
    return this.#tenants.get(tenant)?.record ?? (tenant === DEFAULT_TENANT ? DEFAULT_RECORD : undefined);
  }

  /** By name. */
  tenants(): readonly TenantRecord[] {
    const records = [...this.#tenants.values()].map(({ record }) => record);
    if (!this.#tenants.has(DEFAULT_TENANT)) records.push(DEFAULT_RECORD);
    return records.sort((a, b) => (a.tenant < b.tenant ? -1 : 1));
  }

  key(id: string): KeyRecord | undefined {
    return this.#keys.get(id)?.record;
  }

  /** The keys of a tenant, by id. */
  keysOf(tenant: TenantId): readonly KeyRecord[] {
    return [...(this.#keysByTenant.get(tenant)?.values() ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  keyCount(tenant: TenantId): number {
    return this.#keysByTenant.get(tenant)?.size ?? 0;
  }

  #noteDeletion(key: string, revision: number): void {
    // A key that vanished unseen has no revision of its own; its next life, if any, is heard from the watch.
    if (revision === Number.MAX_SAFE_INTEGER) return;
    this.#deleted.set(key, revision);
    const oldest = this.#deleted.keys().next();
    if (this.#deleted.size > GATEWAY_LIMITS.rememberedDeletions && oldest.done !== true) this.#deleted.delete(oldest.value);
  }

  #setTenant(tenant: TenantId, known: Known<TenantRecord> | undefined): void {
    if (known === undefined) this.#tenants.delete(tenant);
    else if ((this.#tenants.get(tenant)?.revision ?? 0) < known.revision) this.#tenants.set(tenant, known);
  }

  #setKey(id: string, known: Known<KeyRecord> | undefined): void {
    const before = this.#keys.get(id);
    if (known === undefined) {
      this.#keys.delete(id);
      if (before !== undefined) this.#unlist(before.record);
      return;
    }
    if ((before?.revision ?? 0) >= known.revision) return;
    this.#keys.set(id, known);
    let listed = this.#keysByTenant.get(known.record.tenant);
    if (listed === undefined) {
      listed = new Map();
      this.#keysByTenant.set(known.record.tenant, listed);
    }
    listed.set(id, known.record);
  }

  #unlist({ id, tenant }: KeyRecord): void {
    const listed = this.#keysByTenant.get(tenant);
    listed?.delete(id);
    if (listed?.size === 0) this.#keysByTenant.delete(tenant);
  }
}

import {
  DEFAULT_TENANT, LIMITS, ShoalError, changedQuotas,
  type KeyRequest, type KeyToRestore, type OperationId, type QuotaChanges, type TenantId, type TenantQuotas, type TenantRequest,
} from '@shoal/protocol';
import type { Clock, Timers } from '@shoal/pacing';
import type { BoundedRegistry } from '../catalogue/bounded-registry.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { untilSettled } from '../catalogue/contention.ts';
import { tenantNotFound } from '../http/authentication.ts';
import type { AccessDirectory } from './access-directory.ts';
import { ACCESS_KEYS, decodeKey, decodeTenant, encodeKey, encodeTenant, type KeyRecord, type TenantRecord } from './access-records.ts';
import { KEY_ID, newApiKey } from './api-key.ts';

export interface AdministrationDependencies {
  readonly registry: BoundedRegistry;
  readonly directory: AccessDirectory;
  readonly catalogue: Pick<Catalogue, 'list' | 'drop'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly newOperationId: () => OperationId;
}

export interface CreatedKey {
  readonly record: KeyRecord;
  /** The whole key; nobody can tell it again. */
  readonly key: string;
}

const sameQuotas = (a: TenantQuotas, b: TenantQuotas): boolean => JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());

/**
 * Creates, changes and ends tenants and keys.
 *
 * Invariants:
 * 1. Every change is one compare-and-set of one registry entry, seen by this gateway at once and by the others through their watches.
 * 2. A tenant is deleted in an order that can be begun again anywhere: first its keys are refused (state `deleting`), then its embeddings
 *    are dropped and its keys deleted, then the tenant itself.
 */
export class Administration {
  readonly #dependencies: AdministrationDependencies;

  constructor(dependencies: AdministrationDependencies) {
    this.#dependencies = dependencies;
  }

  /** Throws `tenant_exists` when it is there with other quotas, or is being deleted. */
  createTenant({ tenant, quotas }: TenantRequest): Promise<{ readonly record: TenantRecord; readonly created: boolean }> {
    const { registry, directory, catalogue, clock, timers } = this.#dependencies;
    if (tenant === DEFAULT_TENANT) throw new ShoalError('tenant_exists', 'The default tenant is always there; change its quotas instead.', { field: 'tenant' });
    if (directory.tenants().length >= LIMITS.tenants) throw new ShoalError('overloaded', `There are ${LIMITS.tenants} tenants already.`, { limit: LIMITS.tenants });
    const key = ACCESS_KEYS.tenant(tenant);
    return untilSettled(timers, `Creating the tenant ${tenant}`, async () => {
      const entry = await registry.get(key);
      if (entry !== undefined) {
        const record = decodeTenant(key, entry.value);
        if (record.state === 'active' && sameQuotas(record.quotas, quotas)) return { record, created: false };
        throw new ShoalError('tenant_exists', record.state === 'active' ? 'The tenant exists with other quotas.' : 'The tenant is being deleted.', { field: 'tenant' });
      }
      // What is left of an earlier tenant of this name must not become the new one's.
      if (catalogue.list(tenant).length > 0) throw new ShoalError('tenant_exists', 'Embeddings of an earlier tenant of this name are still being dropped; delete it once more.', { field: 'tenant' });
      const record: TenantRecord = { tenant, state: 'active', quotas, createdAtMs: clock.nowMs() };
      return (await this.#write(key, encodeTenant(record), undefined)) ? { record, created: true } : undefined;
    });
  }

  /** Throws `tenant_not_found`. */
  updateTenant(tenant: TenantId, changes: QuotaChanges): Promise<TenantRecord> {
    const { registry, directory, timers } = this.#dependencies;
    const key = ACCESS_KEYS.tenant(tenant);
    return untilSettled(timers, `Changing the tenant ${tenant}`, async () => {
      const entry = await registry.get(key);
      const before = entry === undefined ? undefined : decodeTenant(key, entry.value);
      const record = before ?? (tenant === DEFAULT_TENANT ? directory.tenant(tenant) : undefined);
      if (record === undefined || record.state !== 'active') throw tenantNotFound('tenant');
      const changed: TenantRecord = { ...record, quotas: changedQuotas(record.quotas, changes) };
      return (await this.#write(key, encodeTenant(changed), entry?.revision)) ? changed : undefined;
    });
  }

  /** Throws `tenant_not_found`. Done again after a failure, it goes on where it stopped. */
  async deleteTenant(tenant: TenantId): Promise<void> {
    const { catalogue, directory } = this.#dependencies;
    if (tenant === DEFAULT_TENANT) throw new ShoalError('forbidden', 'The default tenant cannot be deleted.', { field: 'tenant' });
    const wasThere = await this.#beginDeletion(tenant);
    const embeddings = catalogue.list(tenant);
    if (!wasThere && embeddings.length === 0) throw tenantNotFound('tenant');
    for (const { spec } of embeddings) await this.#dropQuietly(tenant, spec.name);
    for (const { id } of directory.keysOf(tenant)) await this.#deleteEntry(ACCESS_KEYS.key(id));
    await this.#deleteEntry(ACCESS_KEYS.tenant(tenant));
  }

  /** Throws `too_many_keys`. */
  async createKey(tenant: TenantId, request: KeyRequest): Promise<CreatedKey> {
    const { directory, clock, newOperationId } = this.#dependencies;
    if (directory.keyCount(tenant) >= LIMITS.keysPerTenant) {
      throw new ShoalError('too_many_keys', `A tenant may have ${LIMITS.keysPerTenant} keys.`, { limit: LIMITS.keysPerTenant });
    }
    const nowMs = clock.nowMs();
    if (request.expiresAtMs !== undefined && request.expiresAtMs <= nowMs) {
      throw new ShoalError('invalid_field', 'expiresAt lies in the past.', { field: 'expiresAt' });
    }
    const { id, key, secretHash } = newApiKey(newOperationId);
    const record: KeyRecord = { id, tenant, secretHash, createdAtMs: nowMs, ...request };
    if (!(await this.#write(ACCESS_KEYS.key(id), encodeKey(record), undefined))) throw new ShoalError('overloaded', 'The id of the key was taken. Try again.');
    return { record, key };
  }

  /** Brings back a key of a backup. Throws `key_exists` when its id belongs to another key, `tenant_not_found` or `too_many_keys`. */
  restoreKey(tenant: TenantId, id: string, request: KeyToRestore): Promise<{ readonly record: KeyRecord; readonly created: boolean }> {
    const { registry, directory, timers } = this.#dependencies;
    if (!KEY_ID.test(id)) throw new ShoalError('invalid_field', 'id must be 16 lower-case hexadecimal digits.', { field: 'id' });
    if (directory.tenant(tenant)?.state !== 'active') throw tenantNotFound('tenant');
    const record: KeyRecord = { id, tenant, ...request };
    const key = ACCESS_KEYS.key(id);
    return untilSettled(timers, `Restoring the key ${id}`, async () => {
      const entry = await registry.get(key);
      if (entry !== undefined) {
        const held = decodeKey(key, entry.value);
        if (held.tenant === tenant && held.secretHash === record.secretHash) return { record: held, created: false };
        throw new ShoalError('key_exists', `Another key has the id ${id}.`, { field: 'id' });
      }
      if (directory.keyCount(tenant) >= LIMITS.keysPerTenant) {
        throw new ShoalError('too_many_keys', `A tenant may have ${LIMITS.keysPerTenant} keys.`, { limit: LIMITS.keysPerTenant });
      }
      return (await this.#write(key, encodeKey(record), undefined)) ? { record, created: true } : undefined;
    });
  }

  /** Throws `key_not_found`, also for a key of another tenant. */
  async revokeKey(tenant: TenantId, id: string): Promise<void> {
    const key = ACCESS_KEYS.key(id);
    const entry = KEY_ID.test(id) ? await this.#dependencies.registry.get(key) : undefined;
    if (entry === undefined || decodeKey(key, entry.value).tenant !== tenant) throw new ShoalError('key_not_found', 'The tenant has no key with this id.', { field: 'id' });
    await this.#deleteEntry(key);
  }

  /** False when the tenant was not there. */
  #beginDeletion(tenant: TenantId): Promise<boolean> {
    const { registry, timers } = this.#dependencies;
    const key = ACCESS_KEYS.tenant(tenant);
    return untilSettled(timers, `Deleting the tenant ${tenant}`, async () => {
      const entry = await registry.get(key);
      if (entry === undefined) return false;
      const record = decodeTenant(key, entry.value);
      if (record.state === 'deleting') return true;
      return (await this.#write(key, encodeTenant({ ...record, state: 'deleting' }), entry.revision)) ? true : undefined;
    });
  }

  async #dropQuietly(tenant: TenantId, name: Parameters<Catalogue['drop']>[1]): Promise<void> {
    try {
      await this.#dependencies.catalogue.drop(tenant, name);
    } catch (error) {
      // Somebody else dropped it meanwhile.
      if (!(error instanceof ShoalError) || error.code !== 'embedding_not_found') throw error;
    }
  }

  /** One compare-and-set, known to this gateway when it returns; false when the entry was not as expected. */
  async #write(key: string, value: Uint8Array, expectedRevision: number | undefined): Promise<boolean> {
    const { registry, directory } = this.#dependencies;
    const revision = expectedRevision === undefined ? await registry.create(key, value) : await registry.update(key, value, expectedRevision);
    if (revision === undefined) return false;
    directory.apply({ key, value, revision });
    return true;
  }

  #deleteEntry(key: string): Promise<true> {
    const { registry, directory, timers } = this.#dependencies;
    return untilSettled(timers, `Deleting ${key}`, async () => {
      const entry = await registry.get(key);
      if (entry !== undefined && !(await registry.delete(key, entry.revision))) return undefined;
      directory.apply({ key, revision: entry?.revision ?? 0 });
      return true;
    });
  }
}

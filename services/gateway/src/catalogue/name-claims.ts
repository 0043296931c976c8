import { identityOf, type EmbeddingName, type EmbeddingSpec, type TenantId } from '@shoal/protocol';
import type { Timers } from '@shoal/pacing';
import type { BoundedRegistry } from './bounded-registry.ts';
import { untilSettled } from './contention.ts';
import { CATALOGUE_KEYS } from './keys.ts';
import { decodeIdentityClaim, decodeNameClaim, decodeRecord, encodeNameClaim, type NameClaim } from './records.ts';

/**
 * Who holds which name. A name key counts only while its holder lives: the identity claim that it names exists with the
 * same code, and the embedding of that code is not dropped. Claims are made once per code, so a dead holder stays dead
 * and its key can be taken over by compare-and-set.
 */
export class NameClaims {
  readonly #registry: BoundedRegistry;
  readonly #timers: Timers;

  constructor(registry: BoundedRegistry, timers: Timers) {
    this.#registry = registry;
    this.#timers = timers;
  }

  /** The living holder of a name. */
  async holder(tenant: TenantId, name: EmbeddingName): Promise<NameClaim | undefined> {
    const key = CATALOGUE_KEYS.name(tenant, name);
    const entry = await this.#registry.get(key);
    if (entry === undefined) return undefined;
    const held = decodeNameClaim(key, entry.value);
    return (await this.isAlive(held)) ? held : undefined;
  }

  /** Takes the name of the specification for its code; false when a living embedding holds it. Taking it again is harmless. */
  take(spec: EmbeddingSpec): Promise<boolean> {
    const key = CATALOGUE_KEYS.name(spec.tenant, spec.name);
    const mine = encodeNameClaim({ code: spec.code, identity: identityOf(spec.tenant, spec) });
    return untilSettled(this.#timers, `Taking the name ${spec.name}`, async () => {
      if ((await this.#registry.create(key, mine)) !== undefined) return true;
      const entry = await this.#registry.get(key);
      if (entry === undefined) return undefined;
      const held = decodeNameClaim(key, entry.value);
      if (held.code === spec.code && held.alias !== true) return true;
      if (await this.isAlive(held)) return false;
      return (await this.#registry.update(key, mine, entry.revision)) === undefined ? undefined : true;
    });
  }

  /** Frees the name if the specification's code still holds it. */
  async free(spec: EmbeddingSpec): Promise<void> {
    const key = CATALOGUE_KEYS.name(spec.tenant, spec.name);
    const entry = await this.#registry.get(key);
    if (entry === undefined) return;
    const held = decodeNameClaim(key, entry.value);
    if (held.code !== spec.code || held.alias === true) return;
    await this.#registry.delete(key, entry.revision);
  }

  /** Whether the embedding that a claim names is there. */
  async isAlive(held: NameClaim): Promise<boolean> {
    const identityKey = CATALOGUE_KEYS.identity(held.identity);
    const identityEntry = await this.#registry.get(identityKey);
    if (identityEntry === undefined || decodeIdentityClaim(identityKey, identityEntry.value).spec.code !== held.code) return false;
    const recordKey = CATALOGUE_KEYS.embedding(held.code);
    const recordEntry = await this.#registry.get(recordKey);
    return recordEntry === undefined || decodeRecord(recordKey, recordEntry.value).state !== 'dropped';
  }
}

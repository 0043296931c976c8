/**
 * Aliases: further names of embeddings. An alias is a claim on a name (`name-claims.ts`) that is marked as one, so that a name is an
 * embedding's own or an alias and never both, and a flip is one compare-and-set.
 *
 * Invariants:
 * 1. Whoever asks this gateway after `set` has resolved gets the new embedding. Other gateways follow as the registry tells them: each
 *    request means the old embedding or the new one, and a gateway never goes back.
 * 2. An alias of a dropped embedding is as good as none.
 */
import type { Registry, RegistryChange } from '@shoal/bus';
import type { Timers } from '@shoal/pacing';
import { LIMITS, ShoalError, identityOf, type EmbeddingCode, type EmbeddingName, type TenantId } from '@shoal/protocol';
import type { Logger } from 'pino';
import { RegistryFeed } from '../registry/registry-feed.ts';
import type { BoundedRegistry } from './bounded-registry.ts';
import { untilSettled } from './contention.ts';
import { CATALOGUE_KEYS, NAME_PREFIX, nameOfKey } from './keys.ts';
import type { NameClaims } from './name-claims.ts';
import { decodeNameClaim, encodeNameClaim, type EmbeddingRecord, type NameClaim } from './records.ts';

export interface AliasesDependencies {
  readonly watched: Registry;
  readonly registry: BoundedRegistry;
  readonly names: NameClaims;
  readonly timers: Timers;
  readonly logger: Logger;
}

interface KnownAlias {
  readonly code: EmbeddingCode | undefined;
  readonly revision: number;
}

/** A deleted alias is kept with its revision, so that news from before the deletion are told from later ones; but not for ever. */
function forgetDeleted(aliases: Map<EmbeddingName, KnownAlias>): void {
  for (const [alias, { code }] of aliases) if (code === undefined) aliases.delete(alias);
}

export class Aliases {
  readonly #registry: BoundedRegistry;
  readonly #names: NameClaims;
  readonly #timers: Timers;
  readonly #feed: RegistryFeed;
  readonly #known = new Map<TenantId, Map<EmbeddingName, KnownAlias>>();

  constructor({ watched, registry, names, timers, logger }: AliasesDependencies) {
    this.#registry = registry;
    this.#names = names;
    this.#timers = timers;
    this.#feed = new RegistryFeed({ registry: watched, prefix: NAME_PREFIX, onChange: (change) => this.#onChange(change), timers, logger });
  }

  start(): Promise<void> {
    return this.#feed.start();
  }

  close(): Promise<void> {
    return this.#feed.close();
  }

  get loaded(): boolean {
    return this.#feed.loaded;
  }

  /** The embedding that an alias means, as far as this gateway knows. */
  codeOf(tenant: TenantId, alias: EmbeddingName): EmbeddingCode | undefined {
    return this.#known.get(tenant)?.get(alias)?.code;
  }

  /** By name. */
  list(tenant: TenantId): readonly { readonly alias: EmbeddingName; readonly code: EmbeddingCode }[] {
    const found = [...(this.#known.get(tenant) ?? [])].flatMap(([alias, { code }]) => (code === undefined ? [] : [{ alias, code }]));
    return found.sort((a, b) => (a.alias < b.alias ? -1 : 1));
  }

  /** Points an alias at an embedding, wherever it pointed before. Throws `name_taken` when an embedding has the name itself. */
  async set(alias: EmbeddingName, { spec }: EmbeddingRecord): Promise<void> {
    const { tenant, code } = spec;
    if (this.codeOf(tenant, alias) === undefined && this.list(tenant).length >= LIMITS.aliasesPerTenant) {
      throw new ShoalError('too_many_aliases', `A tenant may have ${LIMITS.aliasesPerTenant} aliases.`, { limit: LIMITS.aliasesPerTenant });
    }
    const claim: NameClaim = { code, identity: identityOf(tenant, spec), alias: true };
    const key = CATALOGUE_KEYS.name(tenant, alias);
    await untilSettled(this.#timers, `Setting the alias ${alias}`, async () => {
      const entry = await this.#registry.get(key);
      if (entry !== undefined) await this.#refuseEmbedding(alias, decodeNameClaim(key, entry.value));
      const revision = entry === undefined
        ? await this.#registry.create(key, encodeNameClaim(claim))
        : await this.#registry.update(key, encodeNameClaim(claim), entry.revision);
      if (revision === undefined) return undefined;
      this.#note(tenant, alias, { code, revision });
      return true;
    });
  }

  /** Throws `alias_not_found`. */
  async delete(tenant: TenantId, alias: EmbeddingName): Promise<void> {
    const key = CATALOGUE_KEYS.name(tenant, alias);
    await untilSettled(this.#timers, `Deleting the alias ${alias}`, async () => {
      const entry = await this.#registry.get(key);
      if (entry === undefined || decodeNameClaim(key, entry.value).alias !== true) {
        throw new ShoalError('alias_not_found', `There is no alias ${alias}.`, { field: 'alias' });
      }
      if (!(await this.#registry.delete(key, entry.revision))) return undefined;
      this.#note(tenant, alias, { code: undefined, revision: entry.revision + 1 });
      return true;
    });
  }

  async #refuseEmbedding(alias: EmbeddingName, held: NameClaim): Promise<void> {
    if (held.alias === true || !(await this.#names.isAlive(held))) return;
    throw new ShoalError('name_taken', `An embedding has the name ${alias}.`, { field: 'alias' });
  }

  #onChange({ key, value, revision }: RegistryChange): void {
    const { tenant, name } = nameOfKey(key);
    const claim = value === undefined ? undefined : decodeNameClaim(key, value);
    this.#note(tenant, name, { code: claim?.alias === true ? claim.code : undefined, revision });
  }

  #note(tenant: TenantId, alias: EmbeddingName, change: KnownAlias): void {
    const aliases = this.#known.get(tenant) ?? new Map<EmbeddingName, KnownAlias>();
    const known = aliases.get(alias);
    if (known !== undefined && known.revision >= change.revision) return;
    if (known === undefined && change.code === undefined) return;
    this.#known.set(tenant, aliases.set(alias, change));
    if (change.code === undefined && (change.revision === Number.MAX_SAFE_INTEGER || aliases.size > LIMITS.aliasesPerTenant)) forgetDeleted(aliases);
  }
}

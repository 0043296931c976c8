import type { Bus } from '@shoal/bus';
import {
  LIMITS, ShoalError, identityOf,
  type DeclaredFields, type EmbeddingCode, type EmbeddingName, type OperationId, type TenantId,
} from '@shoal/protocol';
import type { Logger } from 'pino';
import type { Clock, Timers } from '@shoal/pacing';
import { GATEWAY_LIMITS } from '../limits.ts';
import { Aliases } from './aliases.ts';
import { BoundedRegistry } from './bounded-registry.ts';
import { CatalogueFeed } from './catalogue-feed.ts';
import { CodeAllocator } from './code-allocator.ts';
import { untilSettled } from './contention.ts';
import { DefinitionPublisher } from './definition.ts';
import { EmbeddingCache } from './embedding-cache.ts';
import type { WantedEmbedding } from './explicit-parameters.ts';
import { CATALOGUE_KEYS } from './keys.ts';
import { FieldDeclarations } from './field-declarations.ts';
import { EmbeddingLifecycle, type HeldClaim } from './lifecycle.ts';
import { NameClaims } from './name-claims.ts';
import { encodeIdentityClaim, type EmbeddingRecord, type IdentityClaim } from './records.ts';
import { Turns } from './turns.ts';

export interface CatalogueDependencies {
  readonly bus: Pick<Bus, 'registry' | 'log'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  newOperationId(): OperationId;
}

export interface Registered {
  readonly record: EmbeddingRecord;
  /** False when the embedding was there before. */
  readonly created: boolean;
}

/** The embeddings of the cluster: registered, found, listed and dropped, by any number of gateways at once. See lifecycle.ts. */
export class Catalogue {
  readonly #registry: BoundedRegistry;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #codes: CodeAllocator;
  readonly #names: NameClaims;
  readonly #cache = new EmbeddingCache();
  readonly #lifecycle: EmbeddingLifecycle;
  readonly #feed: CatalogueFeed;
  readonly #aliases: Aliases;
  readonly #declarations: FieldDeclarations;
  readonly #registrations = new Turns();
  readonly #updates = new Map<EmbeddingCode, Promise<EmbeddingRecord>>();
  readonly #lookups = new Map<string, Promise<EmbeddingRecord | undefined>>();

  constructor(dependencies: CatalogueDependencies) {
    const { bus, clock, timers, logger } = dependencies;
    this.#clock = clock;
    this.#registry = new BoundedRegistry(bus.registry, GATEWAY_LIMITS.registryTimeoutMs, timers);
    this.#timers = timers;
    this.#codes = new CodeAllocator(this.#registry, timers);
    this.#names = new NameClaims(this.#registry, timers);
    const definitions = new DefinitionPublisher(bus.log, () => dependencies.newOperationId());
    this.#lifecycle = new EmbeddingLifecycle({ registry: this.#registry, names: this.#names, definitions, cache: this.#cache, timers });
    this.#aliases = new Aliases({ watched: bus.registry, registry: this.#registry, names: this.#names, timers, logger });
    this.#declarations = new FieldDeclarations(this.#lifecycle, definitions, timers);
    this.#feed = new CatalogueFeed({ registry: bus.registry, cache: this.#cache, lifecycle: this.#lifecycle, timers, logger });
  }

  /** Resolves once the present embeddings are known, or after a bounded wait: `loaded` tells which. */
  async start(): Promise<void> {
    await Promise.all([this.#feed.start(), this.#aliases.start()]);
  }

  get loaded(): boolean {
    return this.#feed.loaded && this.#aliases.loaded;
  }

  async close(): Promise<void> {
    await Promise.all([this.#feed.close(), this.#aliases.close()]);
  }

  /**
   * Idempotent on (tenant, model, dim, distance). Throws `name_taken` when another embedding has the name, and `spec_conflict`
   * when the embedding exists and differs in a parameter that the caller gave.
   */
  register(tenant: TenantId, wanted: WantedEmbedding, embeddingsQuota: number = LIMITS.embeddingsPerTenant): Promise<Registered> {
    const identity = identityOf(tenant, wanted.registration);
    return this.#registrations.run(identity, () => this.#register(tenant, identity, wanted, Math.min(embeddingsQuota, LIMITS.embeddingsPerTenant)));
  }

  #register(tenant: TenantId, identity: string, wanted: WantedEmbedding, embeddingsMaximum: number): Promise<Registered> {
    let unclaimedCode: EmbeddingCode | undefined;
    let ownCode: EmbeddingCode | undefined;
    return untilSettled(this.#timers, 'The registration', async () => {
      let held = await this.#lifecycle.readClaim(identity);
      if (held === undefined) {
        unclaimedCode ??= await this.#newCode(tenant, identity, wanted, embeddingsMaximum);
        if (unclaimedCode === undefined) return undefined;
        held = await this.#claim(tenant, identity, wanted, unclaimedCode);
        if (held === undefined) return undefined;
        [ownCode, unclaimedCode] = [unclaimedCode, undefined];
      }
      const result = await this.#lifecycle.finishClaim(held);
      switch (result.type) {
        case 'active':
          refuseConflict(wanted, result.record);
          return { record: result.record, created: result.record.spec.code === ownCode };
        case 'name_lost':
          if (held.claim.spec.name === wanted.registration.name) throw nameTaken(wanted.registration.name);
          return undefined;
        case 'superseded':
          return undefined;
      }
    });
  }

  /** Undefined when another gateway has claimed the identity since it was read. */
  async #newCode(tenant: TenantId, identity: string, { registration }: WantedEmbedding, embeddingsMaximum: number): Promise<EmbeddingCode | undefined> {
    if (this.#cache.activeCount(tenant) >= embeddingsMaximum) {
      throw new ShoalError('too_many_embeddings', `The tenant may have ${embeddingsMaximum} embeddings.`, { limit: embeddingsMaximum });
    }
    // Only saves a code and two writes: the name is taken by compare-and-set later.
    const holder = await this.#names.holder(tenant, registration.name);
    if (holder === undefined) return this.#codes.next();
    if (holder.identity === identity && holder.alias !== true) return undefined;
    throw nameTaken(registration.name);
  }

  /** Claims the identity with a code that no claim has had; undefined when another gateway was faster. */
  async #claim(tenant: TenantId, identity: string, { registration }: WantedEmbedding, code: EmbeddingCode): Promise<HeldClaim | undefined> {
    const claim: IdentityClaim = { phase: 'claimed', spec: { code, tenant, ...registration }, createdAtMs: this.#clock.nowMs() };
    const revision = await this.#registry.create(CATALOGUE_KEYS.identity(identity), encodeIdentityClaim(claim));
    return revision === undefined ? undefined : { claim, revision };
  }

  /** The active embedding of a name or alias. Asks the registry when this gateway does not know it. Throws `embedding_not_found`. */
  async resolve(tenant: TenantId, name: EmbeddingName): Promise<EmbeddingRecord> {
    const record = this.#known(tenant, name) ?? (await this.#lookUpOnce(tenant, name));
    if (record === undefined) throw notFound(name);
    return record;
  }

  #known(tenant: TenantId, name: EmbeddingName): EmbeddingRecord | undefined {
    const own = this.#cache.active(tenant, name);
    if (own !== undefined) return own;
    const code = this.#aliases.codeOf(tenant, name);
    return code === undefined ? undefined : this.#cache.activeByCode(code);
  }

  /** The name of the embedding that an alias means, as far as this gateway knows. */
  targetOf(tenant: TenantId, alias: EmbeddingName): EmbeddingName | undefined {
    const code = this.#aliases.codeOf(tenant, alias);
    return code === undefined ? undefined : this.#cache.activeByCode(code)?.spec.name;
  }

  /** The record as the registry has it now, with every field known to every partition; asked once for all who ask meanwhile. Throws `embedding_dropped`. */
  upToDate({ spec: { code } }: EmbeddingRecord): Promise<EmbeddingRecord> {
    const running = this.#updates.get(code);
    if (running !== undefined) return running;
    const update = this.#declarations.declare(code, []).finally(() => this.#updates.delete(code));
    this.#updates.set(code, update);
    return update;
  }

  /** Whose an embedding is that serves, if this gateway knows of it. */
  ownerOf(code: EmbeddingCode): { readonly tenant: TenantId; readonly name: EmbeddingName } | undefined {
    const spec = this.#cache.activeByCode(code)?.spec;
    return spec === undefined ? undefined : { tenant: spec.tenant, name: spec.name };
  }

  /** Declares more fields. Throws `field_conflict`, `invalid_field`, `embedding_not_found` or `embedding_dropped`. */
  async declareFields(record: EmbeddingRecord, fields: DeclaredFields): Promise<EmbeddingRecord> {
    return this.#declarations.declare(record.spec.code, fields);
  }

  /** Points an alias at an embedding. Throws `name_taken` or `too_many_aliases`. */
  setAlias(alias: EmbeddingName, record: EmbeddingRecord): Promise<void> {
    return this.#aliases.set(alias, record);
  }

  /** Throws `alias_not_found`. */
  deleteAlias(tenant: TenantId, alias: EmbeddingName): Promise<void> {
    return this.#aliases.delete(tenant, alias);
  }

  /** The aliases of a tenant whose embeddings are there, by name. Throws `not_ready` before they are loaded. */
  listAliases(tenant: TenantId): readonly { readonly alias: EmbeddingName; readonly record: EmbeddingRecord }[] {
    if (!this.loaded) throw new ShoalError('not_ready', 'The catalogue of embeddings is still being loaded.');
    return this.#aliases.list(tenant).flatMap(({ alias, code }) => {
      const record = this.#cache.activeByCode(code);
      return record === undefined ? [] : [{ alias, record }];
    });
  }

  /** Every embedding of a tenant that is not dropped, by name. Throws `not_ready` before the catalogue is loaded. */
  list(tenant: TenantId): readonly EmbeddingRecord[] {
    if (!this.#feed.loaded) throw new ShoalError('not_ready', 'The catalogue of embeddings is still being loaded.');
    return this.#cache.list(tenant);
  }

  /** Ends the embedding of a name; its keys are free when this resolves. Throws `embedding_not_found` or `name_is_alias`. */
  async drop(tenant: TenantId, name: EmbeddingName): Promise<void> {
    const held = await this.#names.holder(tenant, name);
    if (held === undefined) throw notFound(name);
    if (held.alias === true) throw new ShoalError('name_is_alias', `${name} is an alias; drop the embedding by its own name, or delete the alias.`, { field: 'name' });
    await this.#finishHeld(held.identity, held.code);
    if (!(await this.#lifecycle.drop(held.code))) throw notFound(name);
  }

  /** Concurrent look-ups of the same name ask the registry once. */
  #lookUpOnce(tenant: TenantId, name: EmbeddingName): Promise<EmbeddingRecord | undefined> {
    const key = CATALOGUE_KEYS.name(tenant, name);
    const running = this.#lookups.get(key);
    if (running !== undefined) return running;
    const lookup = this.#lookUp(tenant, name).finally(() => this.#lookups.delete(key));
    this.#lookups.set(key, lookup);
    return lookup;
  }

  async #lookUp(tenant: TenantId, name: EmbeddingName): Promise<EmbeddingRecord | undefined> {
    const held = await this.#names.holder(tenant, name);
    if (held === undefined) return undefined;
    await this.#finishHeld(held.identity, held.code);
    const known = await this.#lifecycle.readRecord(held.code);
    return known?.record.state === 'active' ? known.record : undefined;
  }

  /** A registration that some gateway left between its steps is finished by whoever meets it. */
  async #finishHeld(identity: string, code: EmbeddingCode): Promise<void> {
    const known = await this.#lifecycle.readRecord(code);
    if (known !== undefined && known.record.state !== 'registering') return;
    const held = await this.#lifecycle.readClaim(identity);
    if (held?.claim.spec.code === code) await this.#lifecycle.finishClaim(held);
  }
}

function refuseConflict(wanted: WantedEmbedding, { spec }: EmbeddingRecord): void {
  const conflict = wanted.conflictWith(spec);
  if (conflict === undefined) return;
  throw new ShoalError(
    'spec_conflict',
    `An embedding of this model, dimension and distance exists under the name ${spec.name}; its ${conflict.field} is ${conflict.existing}, not ${conflict.wanted}.`,
    { field: conflict.field },
  );
}

const nameTaken = (name: EmbeddingName): ShoalError =>
  new ShoalError('name_taken', `Another embedding has the name ${name}.`, { field: 'name' });

export const notFound = (name: EmbeddingName, field = 'name'): ShoalError =>
  new ShoalError('embedding_not_found', `There is no embedding with the name ${name}.`, { field });

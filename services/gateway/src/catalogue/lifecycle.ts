/**
 * The life of an embedding in the registry. Every step is idempotent or a compare-and-set, so that any gateway can do
 * the next step of a job that another began, at the same moment or after its death.
 *
 *   identity key:   (none) -> claimed -> named            one registration per (tenant, model, dim, distance)
 *   name key:       taken between claimed and named       one living embedding per name
 *   embedding key:  (none) -> registering -> active -> dropping -> dropped
 *
 * Invariants:
 * 1. The claim holds the whole specification, code included; who finishes it needs nothing else.
 * 2. The name is taken before the claim becomes `named`, and a claim is withdrawn only while `claimed`, both by
 *    compare-and-set on the claim: a claim whose name was lost never becomes an embedding.
 * 3. A definition is in the log for every partition before the embedding is active.
 * 4. A drop is in the log for every partition before the embedding is dropped; only then are name and identity freed.
 * 5. `embedding.<code>` is never deleted and never leaves `dropped`: a late helper cannot bring an embedding back.
 * 6. A key that points to a dropped embedding, or a name key without a living holder, is as good as none, and is replaced.
 */
import { identityOf, type EmbeddingSpec } from '@shoal/protocol';
import type { Timers } from '@shoal/pacing';
import type { BoundedRegistry } from './bounded-registry.ts';
import { untilSettled } from './contention.ts';
import type { DefinitionPublisher } from './definition.ts';
import type { EmbeddingCache } from './embedding-cache.ts';
import { CATALOGUE_KEYS } from './keys.ts';
import type { NameClaims } from './name-claims.ts';
import {
  decodeIdentityClaim, decodeRecord, encodeIdentityClaim, encodeRecord,
  type EmbeddingRecord, type IdentityClaim,
} from './records.ts';

/** What came of finishing a claim. `superseded`: the registry moved on meanwhile, read it again. */
export type ClaimResult =
  | { readonly type: 'active'; readonly record: EmbeddingRecord }
  | { readonly type: 'name_lost' }
  | { readonly type: 'superseded' };

export interface HeldClaim {
  readonly claim: IdentityClaim;
  readonly revision: number;
}

export interface LifecycleDependencies {
  readonly registry: BoundedRegistry;
  readonly names: NameClaims;
  readonly definitions: DefinitionPublisher;
  readonly cache: EmbeddingCache;
  readonly timers: Timers;
}

export class EmbeddingLifecycle {
  readonly #registry: BoundedRegistry;
  readonly #names: NameClaims;
  readonly #definitions: DefinitionPublisher;
  readonly #cache: EmbeddingCache;
  readonly #timers: Timers;

  constructor({ registry, names, definitions, cache, timers }: LifecycleDependencies) {
    this.#registry = registry;
    this.#names = names;
    this.#definitions = definitions;
    this.#cache = cache;
    this.#timers = timers;
  }

  async readClaim(identity: string): Promise<HeldClaim | undefined> {
    const key = CATALOGUE_KEYS.identity(identity);
    const entry = await this.#registry.get(key);
    return entry && { claim: decodeIdentityClaim(key, entry.value), revision: entry.revision };
  }

  /** The record as the registry has it now. */
  async readRecord(code: EmbeddingSpec['code']): Promise<{ readonly record: EmbeddingRecord; readonly revision: number } | undefined> {
    const key = CATALOGUE_KEYS.embedding(code);
    const entry = await this.#registry.get(key);
    if (entry === undefined) return undefined;
    const record = decodeRecord(key, entry.value);
    this.#cache.apply(record, entry.revision);
    return { record, revision: entry.revision };
  }

  /** Brings a claim to its end: an active embedding, or withdrawn because another embedding holds its name. */
  async finishClaim({ claim, revision }: HeldClaim): Promise<ClaimResult> {
    if (claim.phase === 'named') return this.#activate(claim);
    const identityKey = CATALOGUE_KEYS.identity(identityOf(claim.spec.tenant, claim.spec));
    if (!(await this.#names.take(claim.spec))) {
      const withdrawn = await this.#registry.delete(identityKey, revision);
      return { type: withdrawn ? 'name_lost' : 'superseded' };
    }
    const named: IdentityClaim = { ...claim, phase: 'named' };
    const next = await this.#registry.update(identityKey, encodeIdentityClaim(named), revision);
    return next === undefined ? { type: 'superseded' } : this.#activate(named);
  }

  #activate({ spec, createdAtMs }: Pick<IdentityClaim, 'spec' | 'createdAtMs'>): Promise<ClaimResult> {
    return untilSettled<ClaimResult>(this.#timers, `The registration of ${spec.name}`, async () => {
      const known = await this.readRecord(spec.code);
      if (known === undefined) {
        await this.#registry.create(CATALOGUE_KEYS.embedding(spec.code), encodeRecord({ spec, state: 'registering', createdAtMs, definedAt: [] }));
        return undefined;
      }
      const { record, revision } = known;
      switch (record.state) {
        case 'registering': {
          const active = await this.change({ ...record, state: 'active', definedAt: await this.#definitions.define(spec) }, revision);
          return active && { type: 'active', record: active };
        }
        case 'active':
          return { type: 'active', record };
        case 'dropping':
          await this.finishDrop(record, revision);
          return { type: 'superseded' };
        case 'dropped':
          await this.#freeKeys(spec);
          return { type: 'superseded' };
      }
    });
  }

  /** Drops an embedding that is registered or being registered. True when this call, or one at the same moment, did it. */
  drop(code: EmbeddingSpec['code']): Promise<boolean> {
    let wasThere = false;
    return untilSettled(this.#timers, `Dropping the embedding ${code}`, async () => {
      const known = await this.readRecord(code);
      if (known === undefined) return false;
      const { record, revision } = known;
      switch (record.state) {
        case 'registering':
          await this.#activate(record);
          return undefined;
        case 'active':
          wasThere = true;
          await this.change({ ...record, state: 'dropping' }, revision);
          return undefined;
        case 'dropping':
          await this.finishDrop(record, revision);
          return true;
        case 'dropped':
          await this.#freeKeys(record.spec);
          return wasThere;
      }
    });
  }

  /** The second half of a drop; `record` is in state dropping. */
  async finishDrop(record: EmbeddingRecord, revision: number): Promise<void> {
    await this.#definitions.drop(record.spec);
    // When the compare-and-set fails another gateway has finished the same drop: nothing else follows `dropping`.
    await this.change({ ...record, state: 'dropped' }, revision);
    await this.#freeKeys(record.spec);
  }

  /** Does the rest of a job that some gateway left unfinished. */
  async finish(record: EmbeddingRecord, revision: number): Promise<void> {
    if (record.state === 'registering') await this.#activate(record);
    if (record.state === 'dropping') await this.finishDrop(record, revision);
  }

  /** The record when the compare-and-set succeeded. */
  async change(record: EmbeddingRecord, expectedRevision: number): Promise<EmbeddingRecord | undefined> {
    const revision = await this.#registry.update(CATALOGUE_KEYS.embedding(record.spec.code), encodeRecord(record), expectedRevision);
    if (revision === undefined) return undefined;
    this.#cache.apply(record, revision);
    return record;
  }

  async #freeKeys(spec: EmbeddingSpec): Promise<void> {
    await this.#names.free(spec);
    const identity = identityOf(spec.tenant, spec);
    const held = await this.readClaim(identity);
    if (held?.claim.spec.code === spec.code) await this.#registry.delete(CATALOGUE_KEYS.identity(identity), held.revision);
  }
}

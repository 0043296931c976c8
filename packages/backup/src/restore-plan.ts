/** What a restore will do, decided before anything is changed. */
import type { ShoalClient } from '@shoal/client';
import { ShoalError, fieldsToJson, type EmbeddingName, type EmbeddingSpec, type TenantId } from '@shoal/protocol';
import { conflict } from './backup-failure.ts';
import type { RecordedTenant } from './records.ts';

/** What of a backup is restored; all of it where nothing is said. */
export interface RestoreSelection {
  readonly tenant?: TenantId;
  readonly embedding?: EmbeddingName;
}

/** Where it is restored to; where it was, where nothing is said. */
export interface RestoreTarget {
  readonly tenant?: TenantId;
  /** Only for a single embedding. */
  readonly name?: EmbeddingName;
  /** Only for a single embedding: a tenant has one embedding of a model, dimension and distance. */
  readonly model?: string;
}

export interface PlannedEmbedding {
  readonly tenant: TenantId;
  /** As it is in the backup. */
  readonly source: EmbeddingSpec;
  readonly name: EmbeddingName;
  readonly model: string;
}

export interface PlannedTenant {
  readonly source: RecordedTenant;
  readonly target: TenantId;
  /** Whether the tenant itself is restored, with quotas and keys, and not only embeddings into one that is there. */
  readonly whole: boolean;
  /** Keys name their tenant: they are restored only where it keeps its name. */
  readonly keys: RecordedTenant['keys'];
  readonly aliases: RecordedTenant['aliases'];
  readonly embeddings: readonly PlannedEmbedding[];
}

const CONFLICTS_SHOWN = 10;

/** Throws `embedding_not_found`, `tenant_not_found` or `invalid_field`. */
export function planRestore(tenants: readonly RecordedTenant[], selection: RestoreSelection, target: RestoreTarget): readonly PlannedTenant[] {
  const { tenant, embedding } = selection;
  const chosen = tenants.filter((recorded) => tenant === undefined || recorded.tenant === tenant);
  if (tenant !== undefined && chosen.length === 0) throw new ShoalError('tenant_not_found', `The backup has no tenant ${tenant}.`, { field: 'tenant' });
  if (target.tenant !== undefined && chosen.length !== 1) throw new ShoalError('invalid_field', 'Name the one tenant of the backup that is restored into another.', { field: 'tenant' });
  const planned = chosen.map((recorded) => planTenant(recorded, embedding, target)).filter(({ whole, embeddings }) => whole || embeddings.length > 0);
  const count = planned.reduce((sum, { embeddings }) => sum + embeddings.length, 0);
  if (embedding !== undefined && count === 0) throw new ShoalError('embedding_not_found', `The backup has no embedding ${embedding}${tenant === undefined ? '' : ` of the tenant ${tenant}`}.`, { field: 'embedding' });
  if ((target.name !== undefined || target.model !== undefined) && count !== 1) {
    throw new ShoalError('invalid_field', `Name the one embedding that is restored under another name or model; the choice has ${count}.`, { field: 'embedding' });
  }
  return planned;
}

function planTenant(source: RecordedTenant, embedding: EmbeddingName | undefined, target: RestoreTarget): PlannedTenant {
  const tenant = target.tenant ?? source.tenant;
  const chosen = source.embeddings.filter(({ spec }) => embedding === undefined || spec.name === embedding);
  const embeddings = chosen.map(({ spec }): PlannedEmbedding => ({ tenant, source: spec, name: target.name ?? spec.name, model: target.model ?? spec.model }));
  const names = new Set(target.name === undefined ? chosen.map(({ spec }) => spec.name) : []);
  return {
    source,
    target: tenant,
    whole: embedding === undefined,
    keys: embedding === undefined && tenant === source.tenant ? source.keys : [],
    aliases: source.aliases.filter((alias) => names.has(alias.embedding)),
    embeddings,
  };
}

/** The registration that brings an embedding back, every parameter stated. */
export function registrationOf({ source, name, model }: PlannedEmbedding): Parameters<ShoalClient['register']>[0] {
  const { dim, distance, hnsw, rabitq, storage, partitions, replicas, fields } = source;
  return { name, model, dim, distance, hnsw, rabitq, storage, partitions, replicas, ...(fields.length === 0 ? {} : { fields: fieldsToJson(fields) }) };
}

/** What the targets have already. */
export interface Existing {
  readonly tenants: ReadonlySet<string>;
  /** `tenant/name` of embeddings and aliases; of an alias with the embedding that it names. */
  readonly names: ReadonlyMap<string, string>;
  /** Names of embeddings by what a tenant has one of: `tenant/model/dim/distance`. */
  readonly identities: ReadonlyMap<string, string>;
  /** Hashes of keys by their ids. */
  readonly keys: ReadonlyMap<string, string>;
}

const identityOf = (tenant: string, { model, dim, distance }: { readonly model: string; readonly dim: number; readonly distance: string }): string => JSON.stringify([tenant, model, dim, distance]);

export async function readExisting(client: ShoalClient, plan: readonly PlannedTenant[], signal: AbortSignal): Promise<Existing> {
  const tenants = new Set((await client.tenants.list({ signal })).map(({ tenant }) => tenant));
  const names = new Map<string, string>();
  const identities = new Map<string, string>();
  const keys = new Map<string, string>();
  for (const { target } of plan) {
    if (!tenants.has(target)) continue;
    const found = await client.backup.tenant(target, { signal });
    for (const { alias, embedding } of found.aliases) names.set(`${target}/${alias}`, embedding);
    for (const embedding of await client.backup.embeddings(target, { signal })) {
      names.set(`${target}/${embedding.name}`, embedding.name);
      identities.set(identityOf(target, embedding), embedding.name);
    }
    for (const { id, secretHash } of found.keys) keys.set(id, secretHash);
  }
  return { tenants, names, identities, keys };
}

/** Throws `restore_conflict` or `tenant_not_found`. With `resume`, embeddings that are there count as begun by the run that is resumed. */
export function refuseConflicts(plan: readonly PlannedTenant[], { tenants, names, identities, keys }: Existing, resume: boolean): void {
  const taken: string[] = [];
  for (const { target, whole, embeddings, aliases, keys: ownKeys } of plan) {
    if (!whole && !tenants.has(target)) throw new ShoalError('tenant_not_found', `There is no tenant ${target} to restore into; create it first.`, { field: 'tenant' });
    for (const { name, model, source: { dim, distance } } of embeddings) {
      const held = names.get(`${target}/${name}`);
      if (held !== undefined && !(resume && held === name)) taken.push(`the embedding ${target}/${name}`);
      const twin = identities.get(identityOf(target, { model, dim, distance }));
      if (twin !== undefined && twin !== name) taken.push(`an embedding of the same model, dimension and distance as ${name}, which is ${target}/${twin}`);
    }
    for (const { alias, embedding } of aliases) {
      const held = names.get(`${target}/${alias}`);
      if (held !== undefined && held !== embedding) taken.push(`the alias ${target}/${alias}`);
    }
    for (const { id, secretHash } of ownKeys) if ((keys.get(id) ?? secretHash) !== secretHash) taken.push(`the key ${id}`);
  }
  if (taken.length === 0) return;
  const shown = taken.slice(0, CONFLICTS_SHOWN).join(', ');
  throw conflict(`Nothing was restored, because these are there already: ${shown}${taken.length > CONFLICTS_SHOWN ? ` and ${taken.length - CONFLICTS_SHOWN} more` : ''}. Drop them, restore an embedding under another name and model, or say that an interrupted restore is resumed.`, 'target');
}

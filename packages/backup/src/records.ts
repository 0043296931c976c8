/**
 * Tenants in a backup, one line of JSON each:
 *
 *   {tenant, quotas, createdAt, keys: [{id, role, secretHash, createdAt, name?, embeddings?, expiresAt?}], aliases: [{alias, embedding}],
 *    embeddings: [{code, name, model, dim, distance, hnsw, rabitq, storage, partitions, replicas, fields, createdAt}]}
 */
import type { BackedUpKey, BackedUpTenant, EmbeddingDescription } from '@shoal/client';
import { parseEmbeddingName, parseEmbeddingSpec, parseQuotas, parseTenantId, type EmbeddingName, type EmbeddingSpec, type TenantId, type TenantQuotas } from '@shoal/protocol';
import { corrupt } from './backup-failure.ts';

export interface RecordedEmbedding {
  /** As it was: its code names it in the slots of the backup. */
  readonly spec: EmbeddingSpec;
}

export interface RecordedTenant {
  readonly tenant: TenantId;
  readonly quotas: TenantQuotas;
  readonly keys: readonly BackedUpKey[];
  readonly aliases: readonly { readonly alias: EmbeddingName; readonly embedding: EmbeddingName }[];
  readonly embeddings: readonly RecordedEmbedding[];
}

export function encodeTenant({ tenant, quotas, createdAt, keys, aliases }: BackedUpTenant, embeddings: readonly EmbeddingDescription[]): Buffer {
  const described = embeddings.map(({ state: _state, ...embedding }) => embedding);
  const named = aliases.map(({ alias, embedding }) => ({ alias, embedding }));
  return Buffer.from(`${JSON.stringify({ tenant, quotas, createdAt, keys, aliases: named, embeddings: described })}\n`, 'utf8');
}

export function decodeTenants(bytes: Uint8Array): RecordedTenant[] {
  const lines = Buffer.from(bytes).toString('utf8').split('\n');
  return lines.filter((line) => line !== '').map(decodeTenant);
}

interface TenantLine extends Omit<BackedUpTenant, 'aliases'> {
  readonly aliases: readonly { readonly alias: string; readonly embedding: string }[];
  readonly embeddings: readonly Omit<EmbeddingDescription, 'state'>[];
}

function decodeTenant(line: string): RecordedTenant {
  try {
    const { tenant: name, quotas, keys, aliases, embeddings } = JSON.parse(line) as TenantLine;
    const tenant = parseTenantId(name);
    return {
      tenant,
      quotas: parseQuotas(quotas),
      keys,
      aliases: aliases.map(({ alias, embedding }) => ({ alias: parseEmbeddingName(alias), embedding: parseEmbeddingName(embedding) })),
      embeddings: embeddings.map(({ createdAt: _createdAt, ...spec }) => ({ spec: parseEmbeddingSpec({ tenant, ...spec }) })),
    };
  } catch (cause) {
    throw corrupt('A tenant in records.jsonl of the backup cannot be read.', cause);
  }
}

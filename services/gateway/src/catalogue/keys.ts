/**
 * Keys of the catalogue in the registry. Every token is of [A-Za-z0-9_-]; names are base64url because they may hold dots.
 *
 *   counter.embedding            last code given out
 *   identity.<sha-256 hex>       who holds (tenant, model, dimension, distance)
 *   name.<tenant>.<name>         who holds the name, or what it is an alias of
 *   embedding.<code>             the embedding and its state
 */
import { parseEmbeddingName, parseTenantId, type EmbeddingCode, type EmbeddingName, type TenantId } from '@shoal/protocol';

const token = (text: string): string => Buffer.from(text, 'utf8').toString('base64url');

export const EMBEDDING_PREFIX = 'embedding';
export const NAME_PREFIX = 'name';

export const CATALOGUE_KEYS = {
  counter: 'counter.embedding',
  identity: (identity: string): string => `identity.${identity}`,
  name: (tenant: TenantId, name: EmbeddingName): string => `${NAME_PREFIX}.${token(tenant)}.${token(name)}`,
  embedding: (code: EmbeddingCode): string => `${EMBEDDING_PREFIX}.${code}`,
} as const;

/** Of a `name` key. */
export function nameOfKey(key: string): { readonly tenant: TenantId; readonly name: EmbeddingName } {
  const [, tenant, name] = key.split('.').map((part) => Buffer.from(part, 'base64url').toString('utf8'));
  return { tenant: parseTenantId(tenant), name: parseEmbeddingName(name) };
}

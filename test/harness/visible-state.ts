/** Everything that a caller can see of a cluster and that a backup has to bring back. */
import type { ShoalClient } from '@shoal/client';

export interface VisibleVector {
  readonly bits: readonly number[];
  readonly payload: unknown;
}

export interface VisibleState {
  readonly tenants: unknown;
  readonly keys: Record<string, unknown>;
  readonly aliases: Record<string, unknown>;
  readonly embeddings: Record<string, unknown>;
  readonly vectors: Record<string, Record<string, VisibleVector>>;
}

/** Components bit for bit, so that -0 differs from 0. */
export function bitsOf(values: Float32Array): number[] {
  return [...new Uint32Array(values.buffer, values.byteOffset, values.length)];
}

export async function vectorsOf(client: ShoalClient, embedding: string, after: Readonly<Record<string, number>> = {}): Promise<Record<string, VisibleVector>> {
  const found: Record<string, VisibleVector> = {};
  for await (const { key, values, payload } of client.embedding(embedding).scroll({ include: ['values', 'payload'], pageSize: 1000, after })) {
    found[key] = { bits: bitsOf(values ?? new Float32Array()), payload };
  }
  return found;
}

/** Codes and times of creation are the cluster's own; everything else must be the same. */
export async function visibleState(clientOf: (tenant: string) => ShoalClient): Promise<VisibleState> {
  const root = clientOf('default');
  const tenants = (await root.tenants.list()).map(({ tenant, quotas, state }) => ({ tenant, quotas, state }));
  const state: VisibleState = { tenants, keys: {}, aliases: {}, embeddings: {}, vectors: {} };
  for (const { tenant } of tenants) {
    const client = clientOf(tenant);
    state.keys[tenant] = await client.keys.list();
    state.aliases[tenant] = (await client.aliases.list()).map(({ alias, embedding }) => ({ alias, embedding }));
    for (const { code: _code, createdAt: _createdAt, ...embedding } of await client.embeddings()) {
      state.embeddings[`${tenant}/${embedding.name}`] = embedding;
      state.vectors[`${tenant}/${embedding.name}`] = await vectorsOf(client, embedding.name);
    }
  }
  return state;
}

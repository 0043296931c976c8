import type { Bus } from '@shoal/bus';
import { ShoalError, parseEmbeddingName, type EmbeddingName, type VectorKey, parseVectorKey } from '@shoal/protocol';
import type { FastifyRequest } from 'fastify';
import { notFound, type Catalogue } from '../catalogue/catalogue.ts';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import type { Clock } from '@shoal/pacing';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { FetchPath } from '../reading/fetch-path.ts';
import type { SearchPath } from '../reading/search-path.ts';
import type { SlotQueries } from '../reading/slot-queries.ts';
import type { Tenancy } from '../tenancy/tenancy.ts';
import type { WritePath } from '../writing/write-path.ts';

/** What routes work with. */
export interface RouteContext {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly version: string;
  readonly mode: 'embedded' | 'cluster';
  readonly catalogue: Catalogue;
  readonly tenancy: Tenancy;
  readonly clusterView: ClusterView;
  readonly queries: SlotQueries;
  readonly fetchPath: FetchPath;
  readonly searchPath: SearchPath;
  readonly writePath: WritePath;
  readonly isClosing: () => boolean;
}

/** A part of the path. */
export const parameterOf = (request: FastifyRequest, name: string): string => String((request.params as { readonly [name: string]: unknown })[name]);
export const keyOf = (request: FastifyRequest): VectorKey => parseVectorKey(parameterOf(request, 'key'));

/** The active embedding that the path names. A name that no embedding can have is one that does not exist. */
export async function embeddingOf(request: FastifyRequest, catalogue: Catalogue): Promise<EmbeddingRecord> {
  return catalogue.resolve(request.tenant, existingNameOf(request));
}

/** The name in the path. One that cannot be a name, or that the caller's key is not for, is one that does not exist. */
export function existingNameOf(request: FastifyRequest): EmbeddingName {
  const text = parameterOf(request, 'name');
  let name: EmbeddingName;
  try {
    name = parseEmbeddingName(text);
  } catch (cause) {
    throw new ShoalError('embedding_not_found', 'There is no embedding with this name.', { field: 'name', cause });
  }
  if (!mayUse(request, name)) throw notFound(name);
  return name;
}

/** Whether the caller's key is for the embedding; a name is all that decides. */
export function mayUse(request: FastifyRequest, name: EmbeddingName): boolean {
  return request.caller.embeddings?.has(name) ?? true;
}

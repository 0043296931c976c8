import type { Bus } from '@shoal/bus';
import { ShoalError, parseEmbeddingName, type EmbeddingName, type VectorKey, parseVectorKey } from '@shoal/protocol';
import type { FastifyRequest } from 'fastify';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import type { Clock } from '@shoal/pacing';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { FetchPath } from '../reading/fetch-path.ts';
import type { SearchPath } from '../reading/search-path.ts';
import type { SlotQueries } from '../reading/slot-queries.ts';
import type { WritePath } from '../writing/write-path.ts';

/** What routes work with. */
export interface RouteContext {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly version: string;
  readonly mode: 'embedded' | 'cluster';
  readonly catalogue: Catalogue;
  readonly clusterView: ClusterView;
  readonly queries: SlotQueries;
  readonly fetchPath: FetchPath;
  readonly searchPath: SearchPath;
  readonly writePath: WritePath;
  readonly isClosing: () => boolean;
}

type Parameters = { readonly [name: string]: unknown };

export const nameOf = (request: FastifyRequest): EmbeddingName => parseEmbeddingName((request.params as Parameters)['name']);
export const keyOf = (request: FastifyRequest): VectorKey => parseVectorKey((request.params as Parameters)['key']);

/** The active embedding that the path names. A name that no embedding can have is one that does not exist. */
export async function embeddingOf(request: FastifyRequest, catalogue: Catalogue): Promise<EmbeddingRecord> {
  return catalogue.resolve(request.tenant, existingNameOf(request));
}

export function existingNameOf(request: FastifyRequest): EmbeddingName {
  try {
    return nameOf(request);
  } catch (cause) {
    throw new ShoalError('embedding_not_found', 'There is no embedding with this name.', { field: 'name', cause });
  }
}

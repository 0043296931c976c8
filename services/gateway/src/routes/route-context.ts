import type { Bus } from '@shoal/bus';
import { ShoalError, parseEmbeddingName, type EmbeddingName, type VectorKey, parseVectorKey } from '@shoal/protocol';
import type { FastifyRequest } from 'fastify';
import { notFound, type Catalogue } from '../catalogue/catalogue.ts';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import type { Clock } from '@shoal/pacing';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { PlacementOperations } from '../cluster/placement-operations.ts';
import type { ImportService } from '../imports/import-service.ts';
import type { FetchPath } from '../reading/fetch-path.ts';
import type { ScrollPath } from '../reading/scroll-path.ts';
import type { SearchPath } from '../reading/search-path.ts';
import type { SlotQueries } from '../reading/slot-queries.ts';
import type { Tenancy } from '../tenancy/tenancy.ts';
import type { ClusterReports, ProcessTelemetry } from '@shoal/telemetry';
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
  readonly placement: PlacementOperations;
  readonly queries: SlotQueries;
  readonly fetchPath: FetchPath;
  readonly searchPath: SearchPath;
  readonly scrollPath: ScrollPath;
  readonly writePath: WritePath;
  readonly telemetry: ProcessTelemetry;
  readonly imports: ImportService;
  readonly clusterReports: ClusterReports;
  readonly isClosing: () => boolean;
}

/** A part of the path. */
export const parameterOf = (request: FastifyRequest, name: string): string => String((request.params as { readonly [name: string]: unknown })[name]);
export const keyOf = (request: FastifyRequest): VectorKey => parseVectorKey(parameterOf(request, 'key'));

/**
 * The active embedding that the path names, by its name or an alias. A name that no embedding can have, or whose embedding the caller's
 * key is not for, is one that does not exist.
 */
export async function embeddingOf(request: FastifyRequest, catalogue: Catalogue): Promise<EmbeddingRecord> {
  const name = pathNameOf(request);
  // Decided before the registry is asked, so that the time taken tells nothing of names that the key is not for.
  if (!mayUse(request, name) && !mayUse(request, catalogue.targetOf(request.tenant, name) ?? name)) throw notFound(name);
  const record = await catalogue.resolve(request.tenant, name);
  if (!mayUse(request, name) && !mayUse(request, record.spec.name)) throw notFound(name);
  return record;
}

/** What `use` makes of the embedding that the path names; again with its newest fields when it names one that this gateway does not know. */
export async function withFields<T>(request: FastifyRequest, catalogue: Catalogue, use: (record: EmbeddingRecord) => T): Promise<{ readonly record: EmbeddingRecord; readonly used: T }> {
  const known = await embeddingOf(request, catalogue);
  const record = known.fieldsPending === true ? await catalogue.upToDate(known) : known;
  try {
    return { record, used: use(record) };
  } catch (error) {
    if (!(error instanceof ShoalError) || error.code !== 'field_not_declared') throw error;
    const newest = await catalogue.upToDate(record);
    return { record: newest, used: use(newest) };
  }
}

/** The name in the path, where the caller's key is for it. */
export function existingNameOf(request: FastifyRequest): EmbeddingName {
  const name = pathNameOf(request);
  if (!mayUse(request, name)) throw notFound(name);
  return name;
}

function pathNameOf(request: FastifyRequest): EmbeddingName {
  try {
    return parseEmbeddingName(parameterOf(request, 'name'));
  } catch (cause) {
    throw new ShoalError('embedding_not_found', 'There is no embedding with this name.', { field: 'name', cause });
  }
}

/** Whether the caller's key is for the embedding; a name is all that decides. */
export function mayUse(request: FastifyRequest, name: EmbeddingName): boolean {
  return request.caller.embeddings?.has(name) ?? true;
}

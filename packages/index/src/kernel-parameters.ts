// What the kernel is told of an index and of a search.

import { DISTANCE_CODES } from '@shoal/kernel';
import type { CodeBits, IndexSpec } from './index-spec.ts';
import { FLAT_THRESHOLD_DEFAULT } from './limits.ts';
import type { SearchRequest } from './search-request.ts';

/** The parameters of the kernel's createIndex, in its order. */
export type CreateParameters = readonly [number, number, number, number, number, number, number, number, number];

export function createParameters(spec: IndexSpec): CreateParameters {
  return [
    spec.dim, DISTANCE_CODES[spec.distance], spec.m, spec.efConstruction, spec.seed, spec.flatThreshold ?? FLAT_THRESHOLD_DEFAULT,
    spec.rabitq?.bits ?? 0, spec.rabitq?.seed ?? 0, keepsCodesOnly(spec) ? 1 : 0,
  ];
}

export function keepsCodesOnly({ rabitq }: IndexSpec): boolean {
  return rabitq?.memory === 'codes';
}

/** Candidates per result by which a search on codes loses no recall to one at full precision, found on clustered data and on SIFT. */
const RERANK_DEFAULTS: Record<CodeBits, number> = { 8: 2, 4: 4, 2: 16, 1: 32 };

/** Candidates that a search re-ranks altogether; 0 on an index without codes. */
export function rerankCount(spec: IndexSpec, request: Pick<SearchRequest, 'k' | 'rerank'>): number {
  return spec.rabitq === undefined ? 0 : request.k * (request.rerank ?? RERANK_DEFAULTS[spec.rabitq.bits]);
}

/** Searches: what the caller asks, the JSON body it becomes, and the answer with vectors as Float32Array again. */
import { LIMITS, ShoalError, type ReceiptJson, type SearchPath, type SearchResponse } from '@shoal/protocol';
import type { CallOptions } from './client-options.ts';
import type { Filter } from './filter.ts';
import { CLIENT_LIMITS } from './limits.ts';
import type { PayloadObject } from './vector-batches.ts';

export interface SearchOptions<Payload extends object = PayloadObject> {
  /** How many neighbours, 1 to 1,000. */
  readonly k: number;
  /** Size of the candidate list in the graph; more is slower with better recall. */
  readonly ef?: number;
  readonly path?: SearchPath;
  /** Candidates to re-rank by full precision, as a multiple of k; for path `rabitq`. */
  readonly rerank?: number;
  /** The answer includes everything that this receipt proves, or fails with `receipt_timeout`. */
  readonly after?: ReceiptJson;
  readonly include?: readonly ('values' | 'payload')[];
  /** What the server may spend, milliseconds; the call itself then takes at most 2 s longer, retries included. */
  readonly timeoutMs?: number;
  /** Neighbours must pass it. */
  readonly filter?: Filter<Payload>;
  /** Neighbours farther away are left out. */
  readonly maxDistance?: number;
  /** Neighbours to skip; with k at most 1,000. */
  readonly offset?: number;
  /** Whether an answer without some partitions is better than none. */
  readonly allowPartial?: boolean;
  readonly signal?: AbortSignal;
}

/** A search for the neighbours of a vector, or of the vector that is stored under a key. */
export type SearchRequest<Payload extends object = PayloadObject> = SearchOptions<Payload> & ({ readonly vector: Float32Array | readonly number[] } | { readonly key: string });

export interface SearchManyRequest<Payload extends object = PayloadObject> extends SearchOptions<Payload> {
  readonly vectors: readonly (Float32Array | readonly number[])[];
}

/** A search whose neighbours come in groups of equal values of a declared field; `k` counts groups. */
export type SearchGroupsRequest<Payload extends object = PayloadObject> = SearchRequest<Payload> & {
  readonly groupBy: { readonly field: keyof Payload & string; readonly size?: number };
};

export interface Hit<Payload extends object = PayloadObject> {
  readonly key: string;
  /** Lower is nearer, whatever the distance. */
  readonly distance: number;
  readonly values?: Float32Array;
  readonly payload?: Payload;
}

export interface GroupOfHits<Payload extends object = PayloadObject> {
  readonly value: string | number | boolean;
  /** Nearest first. */
  readonly hits: readonly Hit<Payload>[];
}

export interface SearchGroupsAnswer<Payload extends object = PayloadObject> extends AnswerHead {
  /** Nearest group first. */
  readonly groups: readonly GroupOfHits<Payload>[];
}

type AnswerHead = Omit<SearchResponse, 'results' | 'groups'>;

export interface SearchAnswer<Payload extends object = PayloadObject> extends AnswerHead {
  /** Nearest first. */
  readonly hits: readonly Hit<Payload>[];
}

export interface SearchManyAnswer<Payload extends object = PayloadObject> extends AnswerHead {
  /** One list per vector, in their order. */
  readonly results: readonly (readonly Hit<Payload>[])[];
}

type Query = { readonly vector: unknown } | { readonly vectors: unknown } | { readonly key: string };

const plain = (vector: Float32Array | readonly number[]): readonly number[] => (vector instanceof Float32Array ? Array.from(vector) : vector);

export function queryOf<Payload extends object>(request: SearchRequest<Payload> | SearchManyRequest<Payload>): Query {
  if ('vectors' in request) return { vectors: request.vectors.map(plain) };
  if ('key' in request) return { key: request.key };
  return { vector: plain(request.vector) };
}

export function searchBody<Payload extends object>(query: Query, options: SearchOptions<Payload> & { readonly groupBy?: object }): string {
  const { k, ef, path, rerank, after, include, timeoutMs, allowPartial, filter, maxDistance, offset, groupBy } = options;
  return JSON.stringify({ ...query, k, ef, path, rerank, after, include, timeoutMs, allowPartial, filter, maxDistance, offset, groupBy });
}

/** The client outlasts the server's deadline a little, so that the server's own error arrives. */
export function searchCallOptions<Payload extends object>(options: SearchOptions<Payload>): CallOptions {
  return {
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs + CLIENT_LIMITS.searchGraceMs }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
}

interface WireHit {
  readonly key: string;
  readonly distance: number;
  readonly values?: readonly number[];
  readonly payload?: Readonly<Record<string, unknown>>;
}

function toHit({ key, distance, values, payload }: WireHit): Hit {
  return {
    key,
    distance,
    ...(values === undefined ? {} : { values: Float32Array.from(values) }),
    ...(payload === undefined ? {} : { payload }),
  };
}

export function toSearchAnswer(response: SearchResponse): SearchAnswer {
  const { results, ...head } = response;
  return { ...head, hits: (results as readonly WireHit[]).map(toHit) };
}

export function toSearchGroupsAnswer(response: SearchResponse): SearchGroupsAnswer {
  const { results: _results, groups = [], ...head } = response;
  return { ...head, groups: groups.map(({ value, hits }) => ({ value, hits: hits.map(toHit) })) };
}

export function toSearchManyAnswer(response: SearchResponse): SearchManyAnswer {
  const { results, ...head } = response;
  return { ...head, results: (results as readonly (readonly WireHit[])[]).map((hits) => hits.map(toHit)) };
}

/** The search that waits for a receipt without wanting an answer: the one nearest neighbour of a unit vector. */
export function probeVector(dim: number): number[] {
  if (!Number.isInteger(dim) || dim < 1 || dim > LIMITS.dim) throw new ShoalError('invalid_field', `dim ${dim} cannot be.`, { field: 'dim' });
  return Array.from({ length: dim }, (_unused, index) => (index === 0 ? 1 : 0));
}

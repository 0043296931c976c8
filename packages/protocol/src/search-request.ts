/** The body of POST /v1/embeddings/{name}/search. */
import { parseArray, parseBoolean, parseChoice, parseFields, parseWholeNumber, requiredMember } from './field-parsers.ts';
import type { Fields } from './field-parsers.ts';
import { parseFieldName, parseFilter } from './filter-parser.ts';
import type { Filter } from './filter.ts';
import { parseVectorKey } from './ids.ts';
import type { VectorKey } from './ids.ts';
import { DEFAULTS, LIMITS } from './limits.ts';
import type { DeclaredFields } from './payload-fields.ts';
import { SEARCH_PATHS } from './query.ts';
import type { SearchPath } from './query.ts';
import { parseReceipt } from './receipt.ts';
import type { Receipt } from './receipt.ts';
import { ShoalError } from './shoal-error.ts';
import { parseVectorValues } from './vector-values.ts';
import type { VectorSpace } from './write-request.ts';

/** What is searched for: one vector, several, or the vector stored under a key. */
export type SearchQuery =
  | { readonly type: 'vector'; readonly vector: Float32Array }
  | { readonly type: 'vectors'; readonly vectors: readonly Float32Array[] }
  | { readonly type: 'key'; readonly key: VectorKey };

export interface GroupBy {
  /** A declared field with one value per payload. */
  readonly field: string;
  /** Hits wanted of each group. */
  readonly size: number;
}

/** A search with every default filled in. */
export interface SearchRequestBody {
  readonly query: SearchQuery;
  readonly k: number;
  /** At least k. */
  readonly ef: number;
  readonly path: SearchPath;
  readonly rerank: number;
  /** The answer must include these writes; empty asks for nothing. */
  readonly after: Receipt;
  readonly includeValues: boolean;
  readonly includePayload: boolean;
  readonly timeoutMs: number;
  /** Hits must pass it. */
  readonly filter?: Filter;
  /** Hits farther away are left out. */
  readonly maxDistance?: number;
  /** Neighbours that are skipped. */
  readonly offset: number;
  /** Then k counts groups: hits with the same value of the field, nearest group first. */
  readonly groupBy?: GroupBy;
  /** Whether an answer without some partitions is better than none. */
  readonly allowPartial: boolean;
}

const QUERY_FIELDS = ['vector', 'vectors', 'key'] as const;
const FIELDS = [...QUERY_FIELDS, 'k', 'ef', 'path', 'rerank', 'after', 'include', 'timeoutMs', 'allowPartial', 'filter', 'maxDistance', 'offset', 'groupBy'] as const;
export const INCLUDES = ['values', 'payload'] as const;

function wholeOr(fields: Fields, field: string, maximum: number, fallback: number): number {
  return fields[field] === undefined ? fallback : parseWholeNumber(fields[field], field, 1, maximum);
}

function parseQuery(fields: Fields, { dim, distance }: VectorSpace): SearchQuery {
  const [given, second] = QUERY_FIELDS.filter((field) => fields[field] !== undefined);
  if (given === undefined) {
    throw new ShoalError('missing_field', 'The request must have one of vector, vectors and key.', { field: 'vector' });
  }
  if (second !== undefined) {
    throw new ShoalError('invalid_field', `The request must have only one of vector, vectors and key; it has ${given} and ${second}.`, { field: second });
  }
  switch (given) {
    case 'vector':
      return { type: 'vector', vector: parseVectorValues(fields['vector'], dim, distance, 'vector') };
    case 'vectors': {
      const vectors = parseArray(fields['vectors'], 'vectors', 1, LIMITS.queriesPerRequest);
      return { type: 'vectors', vectors: vectors.map((vector, i) => parseVectorValues(vector, dim, distance, `vectors[${i}]`)) };
    }
    case 'key':
      return { type: 'key', key: parseVectorKey(fields['key']) };
  }
}

export function parseInclude(value: unknown): Pick<SearchRequestBody, 'includeValues' | 'includePayload'> {
  const items = value === undefined ? [] : parseArray(value, 'include', 0, INCLUDES.length);
  const include = items.map((item, i) => parseChoice(item, `include[${i}]`, INCLUDES));
  return { includeValues: include.includes('values'), includePayload: include.includes('payload') };
}

type Refinements = Pick<SearchRequestBody, 'filter' | 'maxDistance' | 'groupBy'>;

function parseRefinements(fields: Fields, { fields: declared = [] }: VectorSpace): Refinements {
  const { filter, maxDistance, groupBy } = fields;
  if (maxDistance !== undefined && (typeof maxDistance !== 'number' || !Number.isFinite(maxDistance))) {
    throw new ShoalError('invalid_field', 'maxDistance must be a finite number.', { field: 'maxDistance' });
  }
  return {
    ...(filter === undefined ? {} : { filter: parseFilter(filter, declared) }),
    ...(maxDistance === undefined ? {} : { maxDistance }),
    ...(groupBy === undefined ? {} : { groupBy: parseGroupBy(groupBy, declared) }),
  };
}

function parseGroupBy(value: unknown, declared: DeclaredFields): GroupBy {
  const fields = parseFields(value, 'groupBy', ['field', 'size']);
  const { name, type } = parseFieldName(requiredMember(fields, 'groupBy', 'field'), declared, 'groupBy.field');
  if (type !== 'keyword' && type !== 'integer' && type !== 'boolean') {
    throw new ShoalError('invalid_field', `groupBy.field must be of type keyword, integer or boolean; ${name} is ${type}.`, { field: 'groupBy.field' });
  }
  return { field: name, size: fields['size'] === undefined ? 1 : parseWholeNumber(fields['size'], 'groupBy.size', 1, LIMITS.groupSize) };
}

/** Refuses what cannot stand together. */
function refuseCombination(request: SearchRequestBody): SearchRequestBody {
  const { k, offset, groupBy, query } = request;
  if (k + offset > LIMITS.k) {
    throw new ShoalError('invalid_field', `offset and k together may be at most ${LIMITS.k}; use POST /v1/embeddings/{name}/scroll to read everything.`, { field: 'offset', limit: LIMITS.k });
  }
  if (groupBy === undefined) return request;
  if (k > LIMITS.groups) throw new ShoalError('invalid_field', `With groupBy, k counts groups and may be at most ${LIMITS.groups}.`, { field: 'k', limit: LIMITS.groups });
  if (offset > 0) throw new ShoalError('invalid_field', 'offset cannot be used with groupBy.', { field: 'offset' });
  if (query.type === 'vectors') throw new ShoalError('invalid_field', 'groupBy takes one query: vector or key.', { field: 'vectors' });
  return request;
}

/** Parses a search of an embedding (`space`) in a cluster of `slots` slots. `k` is required; an `ef` below k and offset is raised to them. */
export function parseSearchRequest(body: unknown, space: VectorSpace, slots: number): SearchRequestBody {
  const fields = parseFields(body, '', FIELDS);
  const k = parseWholeNumber(requiredMember(fields, '', 'k'), 'k', 1, LIMITS.k);
  const offset = fields['offset'] === undefined ? 0 : parseWholeNumber(fields['offset'], 'offset', 0, LIMITS.offset);
  return refuseCombination({
    query: parseQuery(fields, space),
    k,
    ef: Math.max(k + offset, wholeOr(fields, 'ef', LIMITS.ef, DEFAULTS.ef)),
    path: fields['path'] === undefined ? 'auto' : parseChoice(fields['path'], 'path', SEARCH_PATHS),
    rerank: wholeOr(fields, 'rerank', LIMITS.rerank, DEFAULTS.rerank),
    after: fields['after'] === undefined ? new Map() : parseReceipt(fields['after'], slots),
    ...parseInclude(fields['include']),
    timeoutMs: wholeOr(fields, 'timeoutMs', LIMITS.timeoutMs, DEFAULTS.searchTimeoutMs),
    allowPartial: fields['allowPartial'] === undefined ? false : parseBoolean(fields['allowPartial'], 'allowPartial'),
    offset,
    ...parseRefinements(fields, space),
  });
}

/** The body of POST /v1/embeddings/{name}/search. */
import { parseArray, parseBoolean, parseChoice, parseFields, parseWholeNumber, requiredMember } from './field-parsers.ts';
import type { Fields } from './field-parsers.ts';
import { parseVectorKey } from './ids.ts';
import type { VectorKey } from './ids.ts';
import { DEFAULTS, LIMITS } from './limits.ts';
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
  /** Whether an answer without some partitions is better than none. */
  readonly allowPartial: boolean;
}

const QUERY_FIELDS = ['vector', 'vectors', 'key'] as const;
const FIELDS = [...QUERY_FIELDS, 'k', 'ef', 'path', 'rerank', 'after', 'include', 'timeoutMs', 'allowPartial'] as const;
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

function parseInclude(value: unknown): Pick<SearchRequestBody, 'includeValues' | 'includePayload'> {
  const items = value === undefined ? [] : parseArray(value, 'include', 0, INCLUDES.length);
  const include = items.map((item, i) => parseChoice(item, `include[${i}]`, INCLUDES));
  return { includeValues: include.includes('values'), includePayload: include.includes('payload') };
}

/** Parses a search of an embedding (`space`) in a cluster of `slots` slots. `k` is required; an `ef` below k is raised to k. */
export function parseSearchRequest(body: unknown, space: VectorSpace, slots: number): SearchRequestBody {
  const fields = parseFields(body, '', FIELDS);
  const k = parseWholeNumber(requiredMember(fields, '', 'k'), 'k', 1, LIMITS.k);
  return {
    query: parseQuery(fields, space),
    k,
    ef: Math.max(k, wholeOr(fields, 'ef', LIMITS.ef, DEFAULTS.ef)),
    path: fields['path'] === undefined ? 'auto' : parseChoice(fields['path'], 'path', SEARCH_PATHS),
    rerank: wholeOr(fields, 'rerank', LIMITS.rerank, DEFAULTS.rerank),
    after: fields['after'] === undefined ? new Map() : parseReceipt(fields['after'], slots),
    ...parseInclude(fields['include']),
    timeoutMs: wholeOr(fields, 'timeoutMs', LIMITS.timeoutMs, DEFAULTS.searchTimeoutMs),
    allowPartial: fields['allowPartial'] === undefined ? false : parseBoolean(fields['allowPartial'], 'allowPartial'),
  };
}

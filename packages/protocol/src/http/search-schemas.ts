/** The search request and its answer. */
import { Type } from 'typebox';
import { DEFAULTS, LIMITS } from '../limits.ts';
import { SEARCH_PATHS } from '../query.ts';
import { INCLUDES } from '../search-request.ts';
import { closed, FilterSchema, oneOf, PayloadSchema, ReceiptSchema, ValuesSchema, VectorKeySchema, wholeNumber } from './value-schemas.ts';
import type { JsonOf } from './value-schemas.ts';

export const SearchRequestSchema = closed(
  {
    vector: Type.Optional(ValuesSchema),
    vectors: Type.Optional(Type.Array(ValuesSchema, { minItems: 1, maxItems: LIMITS.queriesPerRequest })),
    key: Type.Optional(VectorKeySchema),
    k: wholeNumber(1, LIMITS.k, 'Neighbours wanted.', { examples: [10] }),
    ef: Type.Optional(wholeNumber(1, LIMITS.ef, 'Candidates kept while the graph is searched; below k it counts as k.', { default: DEFAULTS.ef })),
    path: Type.Optional(oneOf(SEARCH_PATHS, 'How to search; auto (the default) chooses.')),
    rerank: Type.Optional(
      wholeNumber(1, LIMITS.rerank, 'On codes, k times this many candidates get exact distances; without it, as many as the bits of the codes need.'),
    ),
    filter: Type.Optional(FilterSchema),
    maxDistance: Type.Optional(Type.Number({ description: 'Hits farther away are left out.' })),
    offset: Type.Optional(wholeNumber(0, LIMITS.offset, 'Neighbours to skip; with k at most 1,000.', { default: 0 })),
    groupBy: Type.Optional(
      closed(
        {
          field: Type.String({ minLength: 1, maxLength: LIMITS.fieldNameChars, description: 'A declared field of type keyword, integer or boolean.' }),
          size: Type.Optional(wholeNumber(1, LIMITS.groupSize, 'Hits wanted of each group.', { default: 1 })),
        },
        'Hits in groups of equal values of a field; k then counts groups, and vectors without the field are left out.',
      ),
    ),
    after: Type.Optional(ReceiptSchema),
    include: Type.Optional(Type.Array(oneOf(INCLUDES, 'What to return with each hit.'), { maxItems: INCLUDES.length })),
    timeoutMs: Type.Optional(wholeNumber(1, LIMITS.timeoutMs, 'Deadline in milliseconds.', { default: DEFAULTS.searchTimeoutMs })),
    allowPartial: Type.Optional(Type.Boolean({ default: false, description: 'Answer without the partitions that cannot be reached.' })),
  },
  'A search: exactly one of vector, vectors and key says for what.',
);
export type SearchRequestJson = JsonOf<typeof SearchRequestSchema>;

export const HitSchema = closed(
  {
    key: VectorKeySchema,
    distance: Type.Number({ description: 'Lower is nearer.', examples: [0.0731] }),
    values: Type.Optional(ValuesSchema),
    payload: Type.Optional(PayloadSchema),
  },
  'One neighbour.',
);
export type Hit = JsonOf<typeof HitSchema>;

export const HitGroupSchema = closed(
  {
    value: Type.Union([Type.String(), Type.Number(), Type.Boolean()], { description: 'What the members of the group have in the field.' }),
    hits: Type.Array(HitSchema, { description: 'Nearest first.' }),
  },
  'Neighbours with the same value.',
);
export type HitGroup = JsonOf<typeof HitGroupSchema>;

export const SearchResponseSchema = closed(
  {
    groups: Type.Optional(Type.Array(HitGroupSchema, { description: 'With groupBy: nearest group first; results then has all of their hits.' })),
    results: Type.Union([Type.Array(HitSchema), Type.Array(Type.Array(HitSchema))], {
      description: 'Nearest first; a list of lists, in the order of the request, when it had vectors.',
    }),
    partial: Type.Optional(Type.Literal(true, { description: 'Present when partitions are missing from the answer.' })),
    missingPartitions: Type.Optional(Type.Array(Type.Integer({ minimum: 0 }))),
    path: oneOf(
      SEARCH_PATHS.filter((path) => path !== 'auto'),
      'The path that was taken; when partitions differ, that of most of the distance computations.',
    ),
    distanceComputations: Type.Integer({ minimum: 0, description: 'Distances computed, over all partitions and queries.' }),
    tookMs: Type.Number({ minimum: 0, description: 'Time in the gateway and behind it, milliseconds.' }),
  },
  'The neighbours.',
);
export type SearchResponse = JsonOf<typeof SearchResponseSchema>;

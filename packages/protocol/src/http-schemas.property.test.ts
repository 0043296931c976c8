/** The documented schemas must say the same as the parsers that really judge requests, and as the answers that are sent. */
import * as fc from 'fast-check';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import { parseAliasRequest } from './alias-request.ts';
import { parseDeclareRequest } from './declare-request.ts';
import { parseDeleteRequest } from './delete-request.ts';
import { parseRegistration } from './embedding-registration.ts';
import {
  AliasRequestSchema,
  ClusterResponseSchema,
  CountRequestSchema,
  DeclareRequestSchema,
  DeleteRequestSchema,
  EmbeddingListResponseSchema,
  EmbeddingResponseSchema,
  PayloadUpdateSchema,
  ProblemSchema,
  problemOf,
  RegisterRequestSchema,
  ROUTES,
  ScrollRequestSchema,
  SearchRequestSchema,
  SearchResponseSchema,
  VectorResponseSchema,
  WriteRequestSchema,
  WriteResponseSchema,
} from './http-schemas.ts';
import type { ClusterResponse, EmbeddingResponse, SearchResponse, VectorResponse, WriteResponse } from './http-schemas.ts';
import { parsePayloadUpdate } from './payload-update-request.ts';
import { parseCountRequest, parseScrollRequest } from './scroll-request.ts';
import { parseSearchRequest } from './search-request.ts';
import { ShoalError } from './shoal-error.ts';
import { sampleSpec } from './testing/samples.ts';
import { parseWriteRequest } from './write-request.ts';

function accepts(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (error instanceof ShoalError) return false;
    throw error;
  }
}

/** Values at and beyond the edges of what some field takes. */
const edges: readonly unknown[] = [
  0, 1, 2, -1, 1.5, 8, 9, 64, 65, 100, 101, 256, 1_000, 1_001, 1_024, 1_025, 2_000, 2_001, 4_096, 4_097, 8_192, 8_193, 60_000, 60_001, 2 ** 32,
  '', 'a', 'A b', 'auto', 'flat', 'fast', 'l2', 'cosine', 'upsert', 'insert', 'applied', 'f32', 'x'.repeat(129), 'x'.repeat(300), 'x'.repeat(513),
  true, false, null, {}, [], [7], ['a'], ['values'], ['values', 'payload'], ['x'],
  { colour: 'keyword' }, { colour: 'red' }, { '1st': 'keyword' },
  { m: 16 }, { m: 1 }, { seed: 1 }, { bits: 4 }, { bits: 3 }, { efConstruction: 0 }, { '3': 4 }, { '3': 0 }, { x: 1 },
];

/** One of `bodies` with one of `fields`, or one that does not exist, set to an edge or removed. */
function changedBodies(bodies: readonly object[], fields: readonly string[]): fc.Arbitrary<unknown> {
  return fc
    .tuple(fc.constantFrom(...bodies), fc.constantFrom(...fields, 'more'), fc.option(fc.constantFrom(...edges), { nil: undefined, freq: 9 }))
    .map(([body, field, value]) => JSON.parse(JSON.stringify({ ...body, [field]: value })) as unknown);
}

function testAgreement(name: string, schema: TSchema, parse: (body: unknown) => unknown, bodies: fc.Arbitrary<unknown>): void {
  test(`judges ${name} as its parser does`, () => {
    fc.assert(
      fc.property(bodies, (body) => {
        expect(accepts(() => parse(body)), JSON.stringify(body)).toBe(Value.Check(schema, body));
      }),
      { numRuns: 2_000 },
    );
  });
}

describe('the schema', () => {
  const space = { dim: 2, distance: 'l2' } as const;
  const { code: _code, tenant: _tenant, fields: _fields, ...registration } = sampleSpec;

  testAgreement(
    'a registration',
    RegisterRequestSchema,
    parseRegistration,
    changedBodies([registration, { model: 'm', dim: 3, distance: 'dot' }], [...Object.keys(registration), 'fields']),
  );
  // Which of vector, vectors and key may stand together, and the dimension, are told in descriptions only.
  testAgreement(
    'a search',
    SearchRequestSchema,
    (body) => parseSearchRequest(body, space, 64),
    changedBodies([{ vector: [1, 2], k: 5 }, { vectors: [[1, 2]], k: 5 }, { key: 'a', k: 5 }], ['k', 'ef', 'path', 'rerank', 'after', 'include', 'timeoutMs', 'allowPartial', 'offset', 'maxDistance']),
  );
  testAgreement('the key of a search', SearchRequestSchema, (body) => parseSearchRequest(body, space, 64), changedBodies([{ k: 5, key: 'a' }], ['k']));
  // That one of keys and filter must be there is told in the description only.
  testAgreement('a delete', DeleteRequestSchema, (body) => parseDeleteRequest(body), changedBodies([{ keys: ['a'], wait: 'applied' }], ['wait']));
  testAgreement('a change of payloads', PayloadUpdateSchema, (body) => parsePayloadUpdate(body, []), changedBodies([{ updates: [{ key: 'a', payload: {} }] }], ['mode', 'wait', 'updates']));
  const scrolled = { code: sampleSpec.code, partitions: 1, fields: [] };
  testAgreement('a scroll', ScrollRequestSchema, (body) => parseScrollRequest(body, scrolled, 64), changedBodies([{ limit: 5 }], ['limit', 'after', 'include', 'timeoutMs']));
  testAgreement('a count', CountRequestSchema, (body) => parseCountRequest(body, scrolled, 64), changedBodies([{}], ['after', 'timeoutMs']));
  testAgreement('a declaration', DeclareRequestSchema, parseDeclareRequest, changedBodies([{ fields: {} }], ['fields']));
  testAgreement('an alias', AliasRequestSchema, parseAliasRequest, changedBodies([{ embedding: 'a' }], ['embedding']));
  testAgreement(
    'a write',
    WriteRequestSchema,
    (body) => parseWriteRequest(body, space),
    fc
      .tuple(changedBodies([{ vectors: [] }], ['mode', 'wait']), changedBodies([{ key: 'a', values: [1, 2] }], ['key', 'payload']))
      .map(([body, vector]) => ({ ...(body as object), vectors: [vector] })),
  );
});

describe('answers', () => {
  const { tenant: _tenant, ...description } = sampleSpec;
  const embedding: EmbeddingResponse = {
    ...description,
    rabitq: { ...description.rabitq, memory: 'full' },
    fields: { colour: 'keyword' },
    state: 'active',
    createdAt: new Date(0).toISOString(),
    stats: { vectorCount: 1, deletedCount: 0, memoryBytes: 4_096, graph: false },
  };
  const write: WriteResponse = { accepted: 1, receipt: { '17': 4_711 }, outcomes: [{ key: 'a', outcome: 'created' }] };
  const search: SearchResponse = {
    results: [[{ key: 'a', distance: -0.5, values: [1, 2], payload: { deep: [{ a: null }] } }], []],
    partial: true,
    missingPartitions: [3],
    path: 'exact',
    distanceComputations: 17,
    tookMs: 0.4,
  };
  const vector: VectorResponse = { key: 'a', values: [1, 2] };
  const cluster: ClusterResponse = {
    version: '0.1.0',
    mode: 'embedded',
    bus: { kind: 'embedded', description: 'in this process', connected: true },
    slots: 64,
    shards: [
      {
        shard: 'shard-0',
        version: '0.1.0',
        ready: true,
        lastSeenMs: 12,
        slots: [{ slot: 0, ready: true, appliedSequence: 5, lastSequence: 6, setAsideCount: 0, embeddingCount: 1, vectorCount: 2 }],
        engineMemoryBytes: 1,
        engineMemoryMaxBytes: 2,
      },
    ],
    placement: {
      epoch: 4,
      replicas: 2,
      members: [{ shard: 'shard-0', present: true, drained: false, capacity: 4, slotCount: 1, mapEpoch: 4 }],
      slots: [{ slot: 0, pinned: 'shard-0', replicas: [{ shard: 'shard-0', state: 'ready', answers: true, appliedSequence: 5, pendingCount: 1 }] }],
    },
    unservedSlots: [63],
  };
  const { stats: _stats, ...listed } = embedding;

  test.each([
    ['an embedding', EmbeddingResponseSchema, embedding],
    ['a list', EmbeddingListResponseSchema, { embeddings: [listed] }],
    ['a write', WriteResponseSchema, write],
    ['a search', SearchResponseSchema, search],
    ['a vector', VectorResponseSchema, vector],
    ['the cluster', ClusterResponseSchema, cluster],
    ['a problem', ProblemSchema, problemOf(new ShoalError('invalid_field', 'k is wrong.', { field: 'k', limit: 1 }), 'req-1')],
  ] as const)('%s fits its schema, and nothing more may be in it', (_name, schema, value) => {
    expect([...Value.Errors(schema, value)]).toEqual([]);
    expect(Value.Check(schema, { ...value, more: 1 })).toBe(false);
  });
});

describe('routes', () => {
  test('have each its own method and path, and are named like their operation', () => {
    const routes = Object.entries(ROUTES);
    expect(new Set(routes.map(([, { method, url }]) => `${method} ${url}`)).size).toBe(routes.length);
    for (const [name, { schema }] of routes) expect(schema.operationId).toBe(name);
  });

  test('describe every parameter of their path and what happens on failure', () => {
    for (const { url, schema } of Object.values(ROUTES)) {
      const named = [...url.matchAll(/:([a-z]+)/g)].map(([, parameter]) => parameter);
      const described = 'params' in schema ? Object.keys(schema.params.properties) : [];
      expect(described).toEqual(named);
      expect(Object.keys(schema.response)).toContain('default');
    }
  });
});

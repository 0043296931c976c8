/** One fixed value of every kind of message: their bytes are frozen in src/fixtures. */
import type { EmbeddingSpec } from '../embedding-spec.ts';
import type { EmbeddingCode, EmbeddingName, OperationId, Partition, Sequence, ShardId, Slot, TenantId, VectorKey } from '../ids.ts';
import type { MetricsReport } from '../metrics-report.ts';
import type { MessageOutcomes, Mutation, Outcome, WriteMutation } from '../mutation.ts';
import type { ControllerLease, MemberLease, PlacementMap } from '../placement-map.ts';
import type { QueryRequest, QueryResponse, ShardStatus } from '../query.ts';
import type { VectorRecord } from '../vector-body.ts';
import type { VerifyOrder } from '../verify-order.ts';

const code = 4_294_967_303 as EmbeddingCode;
const partition = 5 as Partition;
const head = { operationId: '00112233445566778899aabbccddeeff' as OperationId, code, partition };
const ascii = 'article:17' as VectorKey;
const unicode = 'clé ✓ 𝕊' as VectorKey;
const payload = new TextEncoder().encode('{"year":2024}');
const sequence = 9_007_199_254_740_991 as Sequence;

export const sampleSpec: EmbeddingSpec = {
  code,
  tenant: 'acme' as TenantId,
  name: 'articles' as EmbeddingName,
  model: 'BAAI/bge-small-en',
  dim: 3,
  distance: 'cosine',
  hnsw: { m: 16, efConstruction: 200, seed: 42 },
  rabitq: { bits: 4, seed: 42 },
  storage: 'f32',
  partitions: 8,
  replicas: 2,
  fields: [],
};

const write: WriteMutation = {
  type: 'write',
  ...head,
  dim: 3,
  operations: [
    { type: 'upsert', key: ascii, vector: Float32Array.of(1, -2.5, 0.125), payload },
    { type: 'delete', key: unicode },
    { type: 'insert', key: unicode, vector: Float32Array.of(0, 3.4028234663852886e38, 1e-45) },
  ],
};

const patch = new TextEncoder().encode('{"year":null}');
const idempotencyId = 'ffeeddccbbaa99887766554433221100' as OperationId;
const fields = [
  { name: 'colour', type: 'keyword' },
  { name: 'year', type: 'integer' },
] as const;

export const sampleFilter = new TextEncoder().encode('{"must":[{"field":"year","range":{"gte":2020}}],"must_not":[{"key_in":["clé"]}]}');

export const sampleMutations = {
  define: { type: 'define', ...head, spec: sampleSpec },
  drop: { type: 'drop', ...head },
  write,
  'define-fields': { type: 'define', ...head, spec: { ...sampleSpec, fields } },
  'write-v2': {
    type: 'write',
    ...head,
    idempotencyId,
    dim: 3,
    operations: [
      { type: 'merge_payload', key: ascii, payload: patch },
      { type: 'upsert', key: unicode, vector: Float32Array.of(1, -2.5, 0.125), payload, ifSequence: 4_711 as Sequence },
      { type: 'replace_payload', key: unicode, payload, ifSequence: sequence },
      { type: 'delete', key: ascii, ifSequence: 0 as Sequence },
    ],
  },
  declare: { type: 'declare', ...head, fields },
  'delete-matching': { type: 'delete_matching', ...head, idempotencyId, filter: sampleFilter },
} as const satisfies Record<string, Mutation>;

export const sampleOutcomes: readonly Outcome[] = [
  'created',
  'replaced',
  'exists',
  'deleted',
  'absent',
  'embedding_dropped',
  'embedding_unknown',
  'memory_full',
  'dimension_mismatch',
];

export const sampleDeleted = { type: 'deleted', deleted: { count: 9_007_199_254_740_991, refused: 'key_reused' } } as const satisfies MessageOutcomes;

const searchItem = { code, partition, vector: Float32Array.of(1, -2.5, 0.125), k: 10, ef: 100, rerank: 10, after: sequence, timeoutMs: 10_000 };

export const sampleRequests = {
  search: {
    type: 'search',
    items: [
      { ...searchItem, path: 'auto', includeValues: false, includePayload: true },
      { ...searchItem, path: 'flat', includeValues: true, includePayload: false, after: 0 as Sequence },
    ],
  },
  fetch: { type: 'fetch', items: [{ code, partition, key: unicode, after: sequence, timeoutMs: 1_000 }] },
  'search-v2': {
    type: 'search',
    items: [
      { ...searchItem, path: 'auto', includeValues: false, includePayload: true },
      { ...searchItem, path: 'rabitq', includeValues: false, includePayload: false, filter: sampleFilter, maxDistance: -0.25 },
    ],
  },
  'fetch-v2': { type: 'fetch', items: [{ code, partition, key: unicode, after: sequence, timeoutMs: 1_000, includeSequence: true }] },
  count: { type: 'count', items: [{ code, partition, after: sequence, timeoutMs: 1_000, filter: sampleFilter }, { code, partition, after: 0 as Sequence, timeoutMs: 1 }] },
  scroll: {
    type: 'scroll',
    items: [
      { code, partition, after: sequence, timeoutMs: 1_000, limit: 100, includeValues: true, includePayload: false, filter: sampleFilter, afterKey: unicode },
      { code, partition, after: 0 as Sequence, timeoutMs: 1, limit: 1, includeValues: false, includePayload: true },
    ],
  },
  'await-applied': { type: 'await-applied', items: [{ sequence, timeoutMs: 30_000 }] },
  'partition-stats': { type: 'partition-stats', items: [{ code, partition, timeoutMs: 500 }] },
} as const satisfies Record<string, QueryRequest>;

const failure = { ok: false, error: 'receipt_timeout', message: 'The slot 17 is at 4, not at 9; « later ».' } as const;

export const sampleResponses = {
  search: {
    type: 'search',
    items: [
      {
        ok: true,
        appliedSequence: sequence,
        path: 'exact',
        distanceComputations: 1_234,
        hits: [
          { key: ascii, distance: 0.1, values: Float32Array.of(1, -2.5, 0.125), payload },
          { key: unicode, distance: -3.5 },
        ],
      },
      failure,
      { ok: true, appliedSequence: 0 as Sequence, path: 'flat', distanceComputations: 0, hits: [] },
    ],
  },
  fetch: {
    type: 'fetch',
    items: [
      { ok: true, appliedSequence: sequence, vector: { values: Float32Array.of(1, -2.5, 0.125), payload } },
      { ok: true, appliedSequence: sequence },
      failure,
    ],
  },
  'await-applied': {
    type: 'await-applied',
    items: [{ ok: true, appliedSequence: sequence, outcomes: ['created', 'replaced', 'exists'] }, { ok: true, appliedSequence: sequence }, failure],
  },
  'fetch-v2': {
    type: 'fetch',
    items: [{ ok: true, appliedSequence: sequence, vector: { values: Float32Array.of(1, -2.5, 0.125), payload, sequence: 17 as Sequence } }, failure],
  },
  'await-applied-v2': {
    type: 'await-applied',
    items: [{ ok: true, appliedSequence: sequence, deleted: { count: 3 } }, { ok: true, appliedSequence: sequence, outcomes: ['updated', 'conflict'] }],
  },
  count: { type: 'count', items: [{ ok: true, appliedSequence: sequence, count: 4_711 }, failure] },
  scroll: {
    type: 'scroll',
    items: [
      {
        ok: true,
        appliedSequence: sequence,
        vectors: [{ key: ascii, sequence: 17 as Sequence, values: Float32Array.of(1, -2.5, 0.125), payload }, { key: unicode, sequence }],
        scannedTo: unicode,
      },
      { ok: true, appliedSequence: sequence, vectors: [] },
      failure,
    ],
  },
  'partition-stats': {
    type: 'partition-stats',
    items: [{ ok: true, appliedSequence: sequence, vectorCount: 100_000, deletedCount: 3, memoryBytes: 5_000_000_000, graph: true }, failure],
  },
} as const satisfies Record<string, QueryResponse>;

export const sampleStatus: ShardStatus = {
  shard: 'shard-0' as ShardId,
  version: '0.1.0',
  count: 12,
  startedAtMs: 1_760_000_000_000,
  slots: [{ slot: 17 as Slot, ready: true, appliedSequence: 4_711 as Sequence, setAsideCount: 0, embeddingCount: 2, vectorCount: 1_000 }],
  engineMemoryBytes: 16_777_216,
  engineMemoryMaxBytes: 4_294_967_296,
};

export const sampleReport: MetricsReport = {
  service: 'shard',
  instance: '86fc7b17cc0b8a9b',
  startedAtMs: 1_760_000_000_000,
  count: 7,
  operations: { vector_search: { buckets: [0, 0, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], sumNs: 301_234_567, errors: { overloaded: 2 } } },
  embeddings: [{ code: 4 as EmbeddingCode, operations: { vector_search: { buckets: [0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], sumNs: 150_000, errors: {} } } }],
  recall: [{ code: 4 as EmbeddingCode, searches: 12, expected: 120, found: 119 }],
};

export const sampleMap: PlacementMap = {
  epoch: 7,
  replicas: 2,
  drained: ['shard-2' as ShardId],
  pins: new Map([[1 as Slot, 'shard-1' as ShardId]]),
  slots: [
    [{ shard: 'shard-0' as ShardId, state: 'ready' }, { shard: 'shard-1' as ShardId, state: 'joining' }],
    [{ shard: 'shard-1' as ShardId, state: 'ready' }, { shard: 'shard-2' as ShardId, state: 'leaving' }],
  ],
};

export const sampleMember: MemberLease = { shard: 'shard-0' as ShardId, version: '0.1.0', run: 'a1', storeId: 'b2', capacity: 4, renewalCount: 9 };

export const sampleController: ControllerLease = { holder: 'c3', renewalCount: 5 };

export const sampleVectors: readonly VectorRecord[] = [
  { key: ascii, values: Float32Array.of(1, -2.5, 0.125), payload },
  { key: unicode, values: Float32Array.of(0.5, 0, 1e-3) },
];

export const sampleVerifyOrder: VerifyOrder = { slots: [0 as Slot, 3 as Slot, 258 as Slot] };

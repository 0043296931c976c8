/** Random values of the protocol's types for property tests. */
import * as fc from 'fast-check';
import { DISTANCES, RABITQ_BITS, STORAGES } from '../embedding-spec.ts';
import type { EmbeddingSpec } from '../embedding-spec.ts';
import { ERROR_REGISTRY } from '../error-registry.ts';
import type { ErrorCode } from '../error-registry.ts';
import type { EmbeddingCode, EmbeddingName, OperationId, Partition, Sequence, ShardId, Slot, TenantId, VectorKey } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { OUTCOMES } from '../mutation.ts';
import type { DeclareMutation, DeleteMatchingMutation, DeleteOperation, DeletedOutcome, Mutation, Outcome, PayloadOperation, PutOperation, VectorOperation, WriteMutation } from '../mutation.ts';
import { FIELD_TYPES } from '../payload-fields.ts';
import type { DeclaredFields } from '../payload-fields.ts';
import { SEARCH_PATHS } from '../query.ts';
import type { AwaitAppliedAnswer, CountItem, FetchItem, QueryRequest, QueryResponse, ScrollAnswer, ScrolledVector, ScrollItem, SearchItem, ShardStatus, SlotStatus } from '../query.ts';
import type { SlotContent } from '../slot-content.ts';

const safe = (min: number) => fc.oneof(fc.integer({ min, max: 1_000 }), fc.maxSafeNat().map((n) => Math.max(min, n)), fc.constant(Number.MAX_SAFE_INTEGER));
const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/);

export const code = safe(1) as fc.Arbitrary<EmbeddingCode>;
export const sequence = safe(0) as fc.Arbitrary<Sequence>;
export const partition = fc.integer({ min: 0, max: LIMITS.partitions - 1 }) as fc.Arbitrary<Partition>;
export const slot = fc.integer({ min: 0, max: LIMITS.slots - 1 }) as fc.Arbitrary<Slot>;
export const operationId = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex')) as fc.Arbitrary<OperationId>;
/** No zeros: those say that there is none. */
const idempotencyId = operationId.filter((id) => /[^0]/.test(id));
const timeoutMs = fc.integer({ min: 0, max: LIMITS.timeoutMs });

/** ASCII, any Unicode, a byte-order mark, and the longest there can be. */
export const key = fc.oneof(
  fc.string({ minLength: 1, maxLength: 100 }),
  fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }),
  fc.constant('\u{feff}mark'),
  fc.constant('k'.repeat(LIMITS.keyBytes)),
  fc.constant('é'.repeat(LIMITS.keyBytes / 2)),
) as fc.Arbitrary<VectorKey>;

export const payload = fc
  .dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
  .map((value) => new TextEncoder().encode(JSON.stringify(value)));

/** Components as any bits, NaN included: codecs carry them unseen. */
export const vectorOf = (dim: number) => fc.float32Array({ minLength: dim, maxLength: dim });
const dim = fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 1, max: 9 }) }, { weight: 1, arbitrary: fc.constantFrom(128, 770) });
const vector = dim.chain(vectorOf);

/** Optional members are left out rather than undefined, as the types want. */
const record = <Value>(members: { [Member in keyof Value]-?: fc.Arbitrary<Exclude<Value[Member], undefined>> }, optional: readonly (keyof Value)[]) =>
  fc.record(members, { requiredKeys: Object.keys(members).filter((member) => !optional.includes(member as keyof Value)) as never }) as unknown as fc.Arbitrary<Value>;

const put = (dimension: number) =>
  record<PutOperation>({ type: fc.constantFrom('upsert', 'insert'), key, vector: vectorOf(dimension), payload, ifSequence: sequence }, ['payload', 'ifSequence']);
const remove = record<DeleteOperation>({ type: fc.constant('delete'), key, ifSequence: sequence }, ['ifSequence']);
const change = record<PayloadOperation>({ type: fc.constantFrom('merge_payload', 'replace_payload'), key, payload, ifSequence: sequence }, ['ifSequence']);

export const operations = (dimension: number): fc.Arbitrary<VectorOperation[]> =>
  fc.array(fc.oneof<fc.Arbitrary<VectorOperation>[]>(put(dimension), remove, change), { maxLength: 12 });

export const fields: fc.Arbitrary<DeclaredFields> = fc
  .uniqueArray(fc.record({ name: fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,8}$/), type: fc.constantFrom(...FIELD_TYPES) }), { selector: (one) => one.name, maxLength: 5 })
  .map((declared) => declared.sort((a, b) => (a.name < b.name ? -1 : 1)));

export const spec: fc.Arbitrary<EmbeddingSpec> = fc.record({
  code,
  tenant: name as fc.Arbitrary<TenantId>,
  name: name as fc.Arbitrary<EmbeddingName>,
  model: fc.stringMatching(/^[A-Za-z0-9/ éß._-]{1,40}$/),
  dim: fc.integer({ min: 1, max: LIMITS.dim }),
  distance: fc.constantFrom(...DISTANCES),
  hnsw: fc.record({
    m: fc.integer({ min: 2, max: LIMITS.hnswM }),
    efConstruction: fc.integer({ min: 1, max: LIMITS.hnswEfConstruction }),
    seed: fc.integer({ min: 0, max: LIMITS.seed }),
  }),
  rabitq: fc.record({ bits: fc.constantFrom(...RABITQ_BITS), seed: fc.integer({ min: 0, max: LIMITS.seed }), memory: fc.constant('codes' as const) }, { requiredKeys: ['bits', 'seed'] }),
  storage: fc.constantFrom(...STORAGES),
  partitions: fc.integer({ min: 1, max: LIMITS.partitions }),
  replicas: fc.integer({ min: 1, max: LIMITS.replicas }),
  fields,
});

export const mutation: fc.Arbitrary<Mutation> = fc.oneof<fc.Arbitrary<Mutation>[]>(
  fc.tuple(spec, operationId, partition).map(([of, id, at]) => ({ type: 'define', operationId: id, code: of.code, partition: at, spec: of })),
  fc.record({ type: fc.constant('drop' as const), operationId, code, partition }),
  dim.chain((dimension) =>
    record<WriteMutation>(
      { type: fc.constant('write'), operationId, idempotencyId, code, partition, dim: fc.constant(dimension), operations: operations(dimension) },
      ['idempotencyId'],
    ),
  ),
  record<DeclareMutation>({ type: fc.constant('declare'), operationId, code, partition, fields }, []),
  record<DeleteMatchingMutation>({ type: fc.constant('delete_matching'), operationId, idempotencyId, code, partition, filter: payload }, ['idempotencyId']),
);

const items = <Item>(item: fc.Arbitrary<Item>) => fc.array(item, { maxLength: 6 });

const filter = payload;
const searchItem = record<SearchItem>({
  code,
  partition,
  vector,
  k: fc.integer({ min: 1, max: LIMITS.k }),
  ef: fc.integer({ min: 1, max: LIMITS.ef }),
  path: fc.constantFrom(...SEARCH_PATHS),
  rerank: fc.integer({ min: 0, max: LIMITS.rerank }),
  after: sequence,
  timeoutMs,
  includeValues: fc.boolean(),
  includePayload: fc.boolean(),
  filter,
  maxDistance: fc.double({ noNaN: true }),
}, ['filter', 'maxDistance']);
const fetchItem = record<FetchItem>({ code, partition, key, after: sequence, timeoutMs, includeSequence: fc.constant(true as const) }, ['includeSequence']);
const countItem = record<CountItem>({ code, partition, after: sequence, timeoutMs, filter }, ['filter']);
const scrollItem = record<ScrollItem>(
  { code, partition, after: sequence, timeoutMs, filter, afterKey: key, limit: fc.integer({ min: 1, max: LIMITS.scrollPage }), includeValues: fc.boolean(), includePayload: fc.boolean() },
  ['filter', 'afterKey'],
);

export const queryRequest: fc.Arbitrary<QueryRequest> = fc.oneof<fc.Arbitrary<QueryRequest>[]>(
  fc.record({ type: fc.constant('search' as const), items: items(searchItem) }),
  fc.record({ type: fc.constant('fetch' as const), items: items(fetchItem) }),
  fc.record({ type: fc.constant('count' as const), items: items(countItem) }),
  fc.record({ type: fc.constant('scroll' as const), items: items(scrollItem) }),
  fc.record({ type: fc.constant('await-applied' as const), items: items(fc.record({ sequence, timeoutMs })) }),
  fc.record({ type: fc.constant('partition-stats' as const), items: items(fc.record({ code, partition, timeoutMs })) }),
);

const ok = fc.constant(true as const);
const failure = fc.record({
  ok: fc.constant(false as const),
  error: fc.constantFrom(...(Object.keys(ERROR_REGISTRY) as ErrorCode[])),
  message: fc.string({ maxLength: 60, unit: 'grapheme' }),
});
const orFailure = <Answer>(answer: fc.Arbitrary<Answer>) => items(fc.oneof({ weight: 4, arbitrary: answer }, { weight: 1, arbitrary: failure }));
const hit = record<{ key: VectorKey; distance: number; values?: Float32Array; payload?: Uint8Array }>(
  { key, distance: fc.double(), values: vector, payload },
  ['values', 'payload'],
);
export const outcomes = fc.array(fc.constantFrom(...(Object.keys(OUTCOMES) as Outcome[])), { maxLength: 50 });
export const deleted = record<DeletedOutcome>({ count: safe(0), refused: fc.constantFrom(...(Object.keys(OUTCOMES) as Outcome[])) }, ['refused']);
const found = record<{ values: Float32Array; payload?: Uint8Array; sequence?: Sequence }>({ values: vector, payload, sequence: safe(1) as fc.Arbitrary<Sequence> }, ['payload', 'sequence']);
const scrolled = record<ScrolledVector>({ key, sequence, values: vector, payload }, ['values', 'payload']);
const applied = fc.oneof(
  record<Omit<AwaitAppliedAnswer, 'deleted'>>({ ok, appliedSequence: sequence, outcomes }, ['outcomes']),
  fc.record({ ok, appliedSequence: sequence, deleted }),
);

export const queryResponse: fc.Arbitrary<QueryResponse> = fc.oneof<fc.Arbitrary<QueryResponse>[]>(
  fc.record({
    type: fc.constant('search' as const),
    items: orFailure(
      fc.record({
        ok,
        appliedSequence: sequence,
        path: fc.constantFrom('exact' as const, 'rabitq' as const, 'flat' as const),
        distanceComputations: safe(0),
        hits: fc.array(hit, { maxLength: 12 }),
      }),
    ),
  }),
  fc.record({ type: fc.constant('fetch' as const), items: orFailure(record({ ok, appliedSequence: sequence, vector: found }, ['vector'])) }),
  fc.record({ type: fc.constant('await-applied' as const), items: orFailure(applied) }),
  fc.record({ type: fc.constant('count' as const), items: orFailure(fc.record({ ok, appliedSequence: sequence, count: safe(0) })) }),
  fc.record({
    type: fc.constant('scroll' as const),
    items: orFailure(record<ScrollAnswer>({ ok, appliedSequence: sequence, vectors: fc.array(scrolled, { maxLength: 8 }), scannedTo: key }, ['scannedTo'])),
  }),
  fc.record({
    type: fc.constant('partition-stats' as const),
    items: orFailure(
      fc.record({ ok, appliedSequence: sequence, vectorCount: safe(0), deletedCount: safe(0), memoryBytes: safe(0), graph: fc.boolean() }),
    ),
  }),
);

const digest = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => value.toString(16).padStart(16, '0'));
const slotContent = record<SlotContent>({
  version: fc.integer({ min: 1, max: 9 }), digest, marks: fc.array(fc.record({ sequence, digest }), { maxLength: 8 }), verified: fc.record({ count: safe(0), sequence }), rebuildCount: safe(0),
}, ['verified']);

export const shardStatus: fc.Arbitrary<ShardStatus> = record({
  shard: name as fc.Arbitrary<ShardId>,
  version: fc.string({ maxLength: 20 }),
  count: safe(0),
  startedAtMs: safe(0),
  slots: fc.array(
    record<SlotStatus>(
      {
        slot, ready: fc.boolean(), lagging: fc.constant(true as const), appliedSequence: sequence, setAsideCount: safe(0), embeddingCount: safe(0), vectorCount: safe(0),
        withoutMemory: fc.array(code, { minLength: 1, maxLength: 4 }), pendingCount: safe(0), content: slotContent,
      },
      ['lagging', 'withoutMemory', 'pendingCount', 'content'],
    ),
    { maxLength: 4 },
  ),
  engineMemoryBytes: safe(0),
  engineMemoryMaxBytes: safe(0),
  mapEpoch: safe(0),
}, ['mapEpoch']);

import type { LogMessage } from '@shoal/bus';
import {
  SUBJECTS, decodeMutation, decodeQueryRequest, encodeQueryResponse, encodeShardStatus, matchesFilter, mergePayload, parseFilterBytes, parseShardId, parseSlot, payloadToJson,
  type AwaitAppliedAnswer, type CountAnswer, type EmbeddingSpec, type FetchAnswer, type ItemFailure, type Mutation, type Outcome, type PartitionStatsAnswer,
  type QueryRequest, type QueryResponse, type ScrollAnswer, type SearchAnswer, type SearchItem, type Sequence, type Slot, type VectorKey, type VectorOperation, type WriteMutation,
} from '@shoal/protocol';
import type { MemoryBus } from './memory-bus.ts';

interface StoredVector {
  readonly values: Float32Array;
  readonly payload?: Uint8Array;
  readonly sequence: Sequence;
}

interface FlatPartition {
  spec: EmbeddingSpec;
  readonly vectors: Map<string, StoredVector>;
  dropped: boolean;
  /** The memory of the shard: a message that would make them more is left out. */
  vectorsMax?: number;
}

const FLAT = parseShardId('flat');

/** A shard that owns every slot, keeps vectors in Maps and searches by comparing with all of them: the oracle. */
export class FlatShard {
  readonly partitions = new Map<string, FlatPartition>();
  readonly receivedSearches: { readonly slot: number; readonly items: readonly SearchItem[] }[] = [];
  /** Answers this failure to every search and fetch of a slot. */
  readonly failures = new Map<number, ItemFailure>();
  /** While set, nothing is applied. */
  paused = false;
  /** Searches of every slot wait for this before they are answered. */
  gate: Promise<void> = Promise.resolve();
  readonly #bus: MemoryBus;
  readonly #applied: number[];
  readonly #outcomes = new Map<number, readonly Outcome[]>();
  readonly #deleted = new Map<number, number>();
  readonly #waiters = new Set<() => void>();
  #position = 0;
  #announcements = 0;

  constructor(bus: MemoryBus) {
    this.#bus = bus;
    this.#applied = new Array<number>(bus.log.slots).fill(0);
  }

  async start(): Promise<void> {
    this.#bus.log.onAppend(() => this.apply());
    for (let slot = 0; slot < this.#bus.log.slots; slot += 1) await this.serve(slot);
    this.announce();
  }

  async serve(slot: number): Promise<{ close(): Promise<void> }> {
    const subjects = [SUBJECTS.query(parseSlot(slot)), SUBJECTS.queryOf(parseSlot(slot), FLAT)];
    const servings = await Promise.all(subjects.map((subject) => this.#bus.requests.serve(subject, async (payload) => encodeQueryResponse(await this.#answer(slot, decodeQueryRequest(payload))))));
    return { close: async () => void (await Promise.all(servings.map((serving) => serving.close()))) };
  }

  announce(readySlots: readonly number[] = this.#applied.map((_, slot) => slot)): void {
    this.#announcements += 1;
    const slots = readySlots.map((slot) => ({
      slot: slot as Slot, ready: true, appliedSequence: (this.#applied[slot] ?? 0) as Sequence, setAsideCount: 0, embeddingCount: 0, vectorCount: 0,
    }));
    this.#bus.requests.announce(SUBJECTS.shardStatus, encodeShardStatus({
      shard: FLAT, version: '0.0.0', count: this.#announcements, startedAtMs: 1, slots, engineMemoryBytes: 1, engineMemoryMaxBytes: 2,
    }));
  }

  /** Applies what is in the log, unless paused. */
  apply(): void {
    while (!this.paused && this.#position < this.#bus.log.messages.length) {
      const message = this.#bus.log.messages[this.#position];
      this.#position += 1;
      if (message !== undefined) this.#applyMessage(message);
    }
    this.#waiters.forEach((wake) => wake());
  }

  resume(): void {
    this.paused = false;
    this.apply();
  }

  #applyMessage({ slot, sequence, bytes }: LogMessage): void {
    const mutation = decodeMutation(bytes);
    this.#outcomes.set(sequence, this.#applyMutation(mutation, sequence));
    this.#applied[slot] = sequence;
  }

  #applyMutation(mutation: Mutation, sequence: Sequence): readonly Outcome[] {
    const name = `${mutation.code}.${mutation.partition}`;
    const partition = this.partitions.get(name);
    switch (mutation.type) {
      case 'define':
        if (partition === undefined) this.partitions.set(name, { spec: mutation.spec, vectors: new Map(), dropped: false });
        return [];
      case 'drop':
        if (partition !== undefined) partition.dropped = true;
        return [];
      case 'declare':
        if (partition !== undefined) partition.spec = { ...partition.spec, fields: mutation.fields };
        return [];
      case 'delete_matching':
        this.#deleted.set(sequence, deleteMatching(partition, mutation.filter));
        return [];
      case 'write':
        if (partition?.vectorsMax !== undefined && partition.vectors.size + mutation.operations.length > partition.vectorsMax) return mutation.operations.map(() => 'memory_full' as const);
        return mutation.operations.map((operation) => applyOperation(partition, mutation, operation, sequence));
    }
  }

  async #answer(slot: number, request: QueryRequest): Promise<QueryResponse> {
    switch (request.type) {
      case 'search':
        this.receivedSearches.push({ slot, items: request.items });
        await this.gate;
        return { type: 'search', items: await Promise.all(request.items.map((item) => this.#search(slot, item))) };
      case 'fetch':
        return { type: 'fetch', items: await Promise.all(request.items.map((item) => this.#included(slot, item.after, item.timeoutMs, (): FetchAnswer | ItemFailure => {
          const vector = this.partitions.get(`${item.code}.${item.partition}`)?.vectors.get(item.key);
          return { ok: true, appliedSequence: this.#appliedOf(slot), ...(vector === undefined ? {} : { vector }) };
        }))) };
      case 'await-applied':
        return { type: 'await-applied', items: await Promise.all(request.items.map((item) => this.#included(slot, item.sequence, item.timeoutMs, (): AwaitAppliedAnswer => {
          const count = this.#deleted.get(item.sequence);
          if (count !== undefined) return { ok: true, appliedSequence: this.#appliedOf(slot), deleted: { count } };
          const outcomes = this.#outcomes.get(item.sequence);
          return { ok: true, appliedSequence: this.#appliedOf(slot), ...(outcomes === undefined ? {} : { outcomes }) };
        }))) };
      case 'count':
        return { type: 'count', items: await Promise.all(request.items.map((item) => this.#included(slot, item.after, item.timeoutMs, (): CountAnswer => ({
          ok: true, appliedSequence: this.#appliedOf(slot), count: passing(this.partitions.get(`${item.code}.${item.partition}`), item.filter).length,
        })))) };
      case 'scroll':
        return { type: 'scroll', items: await Promise.all(request.items.map((item) => this.#included(slot, item.after, item.timeoutMs, (): ScrollAnswer => {
          const after = passing(this.partitions.get(`${item.code}.${item.partition}`), item.filter).filter(([key]) => item.afterKey === undefined || key > item.afterKey).sort(([a], [b]) => (a < b ? -1 : 1));
          const vectors = after.slice(0, item.limit).map(([key, { sequence }]) => ({ key: key as VectorKey, sequence }));
          const scannedTo = after.length > item.limit ? vectors.at(-1)?.key : undefined;
          return { ok: true, appliedSequence: this.#appliedOf(slot), vectors, ...(scannedTo === undefined ? {} : { scannedTo }) };
        }))) };
      case 'partition-stats':
        return { type: 'partition-stats', items: request.items.map((item): PartitionStatsAnswer => ({
          ok: true, appliedSequence: this.#appliedOf(slot), deletedCount: 0, memoryBytes: 100, graph: false,
          vectorCount: this.partitions.get(`${item.code}.${item.partition}`)?.vectors.size ?? 0,
        })) };
    }
  }

  #appliedOf(slot: number): Sequence {
    return (this.#applied[slot] ?? 0) as Sequence;
  }

  async #included<T>(slot: number, sequence: Sequence, timeoutMs: number, answer: () => T): Promise<T | ItemFailure> {
    const failure = this.failures.get(slot);
    if (failure !== undefined) return failure;
    const endsAtMs = performance.now() + timeoutMs;
    while ((this.#applied[slot] ?? 0) < sequence) {
      const remainingMs = endsAtMs - performance.now();
      if (remainingMs <= 0) return { ok: false, error: 'receipt_timeout', message: `Sequence ${sequence} was not applied in time.` };
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.#waiters.delete(done);
          resolve();
        };
        const timer = setTimeout(done, remainingMs);
        this.#waiters.add(done);
      });
    }
    return answer();
  }

  #search(slot: number, item: SearchItem): Promise<SearchAnswer | ItemFailure> {
    return this.#included(slot, item.after, item.timeoutMs, (): SearchAnswer | ItemFailure => {
      const partition = this.partitions.get(`${item.code}.${item.partition}`);
      if (partition === undefined) return { ok: false, error: 'embedding_not_found', message: 'The embedding is unknown here.' };
      if (partition.dropped) return { ok: false, error: 'embedding_dropped', message: 'The embedding was dropped.' };
      const hits = passing(partition, item.filter).map(([key, { values, payload }]) => ({
        key: key as VectorOperation['key'],
        distance: flatDistance(partition.spec.distance, item.vector, values),
        ...(item.includeValues ? { values } : {}),
        ...(item.includePayload && payload !== undefined ? { payload } : {}),
      }));
      const near = hits.filter(({ distance }) => item.maxDistance === undefined || distance <= item.maxDistance);
      near.sort((a, b) => a.distance - b.distance || (a.key < b.key ? -1 : 1));
      return { ok: true, appliedSequence: this.#appliedOf(slot), path: 'flat', distanceComputations: hits.length, hits: near.slice(0, item.k) };
    });
  }
}

function passing(partition: FlatPartition | undefined, filter: Uint8Array | undefined): (readonly [string, StoredVector])[] {
  if (partition === undefined) return [];
  const all = [...partition.vectors];
  if (filter === undefined) return all;
  const { fields } = partition.spec;
  const parsed = parseFilterBytes(filter, fields);
  return all.filter(([key, { payload }]) => matchesFilter(parsed, fields, { key, payload: payload === undefined ? undefined : payloadToJson(payload) }));
}

function deleteMatching(partition: FlatPartition | undefined, filter: Uint8Array): number {
  const found = passing(partition, filter);
  for (const [key] of found) partition?.vectors.delete(key);
  return found.length;
}

function applyOperation(partition: FlatPartition | undefined, mutation: WriteMutation, operation: VectorOperation, sequence: Sequence): Outcome {
  if (partition === undefined) return 'embedding_unknown';
  if (partition.dropped) return 'embedding_dropped';
  if (mutation.dim !== partition.spec.dim) return 'dimension_mismatch';
  const { vectors } = partition;
  const current = vectors.get(operation.key);
  const existed = current !== undefined;
  if (operation.ifSequence !== undefined && operation.ifSequence !== (current?.sequence ?? 0)) return 'conflict';
  switch (operation.type) {
    case 'delete':
      vectors.delete(operation.key);
      return existed ? 'deleted' : 'absent';
    case 'insert':
    case 'upsert':
      if (existed && operation.type === 'insert') return 'exists';
      vectors.set(operation.key, { sequence, values: Float32Array.from(operation.vector), ...(operation.payload === undefined ? {} : { payload: Uint8Array.from(operation.payload) }) });
      return existed ? 'replaced' : 'created';
    case 'merge_payload':
    case 'replace_payload': {
      if (current === undefined) return 'absent';
      const payload = operation.type === 'replace_payload' ? operation.payload : mergePayload(current.payload, operation.payload);
      if (payload === undefined) return 'payload_too_large';
      vectors.set(operation.key, { ...current, sequence, payload: Uint8Array.from(payload) });
      return 'updated';
    }
  }
}

/** The distances as the API defines them, in double precision. */
export function flatDistance(distance: EmbeddingSpec['distance'], a: ArrayLike<number>, b: ArrayLike<number>): number {
  let dot = 0;
  let normA = 0;
  let normB = 0;
  let squares = 0;
  for (let index = 0; index < a.length; index += 1) {
    const x = a[index] ?? 0;
    const y = b[index] ?? 0;
    dot += x * y;
    normA += x * x;
    normB += y * y;
    squares += (x - y) ** 2;
  }
  switch (distance) {
    case 'cosine':
      return 1 - dot / Math.sqrt(normA * normB);
    case 'l2':
      return Math.sqrt(squares);
    case 'dot':
      return -dot;
  }
}

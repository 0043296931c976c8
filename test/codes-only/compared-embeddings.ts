import { clusteredVectors } from '@shoal/bench';
import { Engine } from '@shoal/index';
import { systemTimers as timers } from '@shoal/pacing';
import { SUBJECTS, encodeMutation, parseEmbeddingSpec, type Mutation, type Partition, type SearchAnswer, type SearchItem, type Sequence, type Slot, type VectorKey, type VectorOperation } from '@shoal/protocol';
import { SlotMachine, answerQuery } from '@shoal/shard-core';
import { ShardStore } from '@shoal/store';

export type Memory = 'full' | 'codes';

export interface ComparisonOptions {
  readonly directory: string;
  readonly count: number;
  readonly dim: number;
  readonly bits: 8 | 4 | 2 | 1;
  readonly seed: number;
}

const QUERIES = 500;
const RECALL_QUERIES = 200;
/** Of the vectors in one message, which has a limit. */
const BATCH_BYTES = 256 * 1024;
const K = 10;
const CODES = { full: 1, codes: 2 } as const;
const slot = 0 as Slot;
const partition = 0 as Partition;

/** Two embeddings with the same vectors in one slot of a shard, without a log: one keeps vectors and codes, the other codes alone. */
export class ComparedEmbeddings {
  readonly #engine: Engine;
  readonly #store: ShardStore;
  readonly #machine: SlotMachine;
  readonly #queries: readonly Float32Array[];
  readonly #insertMs = { full: 0, codes: 0 };
  readonly #count: number;
  #turn = 0;

  private constructor(engine: Engine, store: ShardStore, machine: SlotMachine, queries: readonly Float32Array[], count: number) {
    this.#engine = engine;
    this.#store = store;
    this.#machine = machine;
    this.#queries = queries;
    this.#count = count;
  }

  static async loaded({ directory, count, dim, bits, seed }: ComparisonOptions): Promise<ComparedEmbeddings> {
    const engine = await Engine.start({ memoryMaxBytes: 2 ** 31, searchThreadCount: 1 });
    const store = await ShardStore.open({ directory, slots: 1 });
    const machine = await SlotMachine.recover({ slot, slots: 1, store, engine, timers }, new AbortController().signal);
    const rows = clusteredVectors({ seed, count: count + QUERIES, dim, intrinsicDim: Math.min(24, dim), clusterCount: 100 });
    const row = (index: number): Float32Array => rows.subarray(index * dim, (index + 1) * dim);
    const compared = new ComparedEmbeddings(engine, store, machine, Array.from({ length: QUERIES }, (_, i) => row(count + i)), count);
    let sequence = 0;
    const apply = async (memory: Memory, mutation: Record<string, unknown>): Promise<void> => {
      sequence += 1;
      const ref = { code: parseSpec(memory, dim, bits).code, partition };
      const bytes = encodeMutation({ operationId: sequence.toString(16).padStart(32, '0'), ...ref, ...mutation } as Mutation);
      await machine.apply([{ sequence: sequence as Sequence, subject: SUBJECTS.mutation({ slot, ...ref }), timeMs: 0, bytes }]);
    };
    for (const memory of ['full', 'codes'] as const) await apply(memory, { type: 'define', spec: parseSpec(memory, dim, bits) });
    const batch = Math.min(500, Math.floor(BATCH_BYTES / (4 * dim)));
    for (let from = 0; from < count; from += batch) {
      const operations = Array.from({ length: Math.min(batch, count - from) }, (_, i): VectorOperation => ({ type: 'upsert', key: `k${from + i}` as VectorKey, vector: row(from + i) }));
      for (const memory of ['full', 'codes'] as const) {
        const beganMs = performance.now();
        await apply(memory, { type: 'write', dim, operations });
        compared.#insertMs[memory] += performance.now() - beganMs;
      }
    }
    return compared;
  }

  async #search(memory: Memory, vector: Float32Array, ef: number, path: SearchItem['path']): Promise<readonly string[]> {
    const item = { code: CODES[memory], partition, vector, k: K, ef, path, rerank: 0, after: 0, timeoutMs: 60_000, includeValues: false, includePayload: false } as unknown as SearchItem;
    const { items: [answer] } = await answerQuery(this.#machine, { type: 'search', items: [item] });
    if (answer?.ok !== true) throw new Error(`a search failed: ${JSON.stringify(answer)}`);
    return (answer as SearchAnswer).hits.map(({ key }) => key);
  }

  /** Searches of so many readers, each asking again when it was answered. */
  async searchesPerSecond(memory: Memory, ef: number, readerCount: number, windowMs: number): Promise<number> {
    let searchCount = 0;
    const beganMs = performance.now();
    await Promise.all(Array.from({ length: readerCount }, async () => {
      while (performance.now() - beganMs < windowMs) {
        this.#turn += 1;
        await this.#search(memory, this.#queries[this.#turn % QUERIES] as Float32Array, ef, 'auto');
        searchCount += 1;
      }
    }));
    return searchCount / (performance.now() - beganMs) * 1_000;
  }

  /** Recall@10 against a scan of all full vectors. */
  async recall(memory: Memory, ef: number, path: SearchItem['path'] = 'auto'): Promise<number> {
    let found = 0;
    for (const vector of this.#queries.slice(0, RECALL_QUERIES)) {
      const truth = new Set(await this.#search('full', vector, K, 'flat'));
      found += (await this.#search(memory, vector, ef, path)).filter((key) => truth.has(key)).length;
    }
    return found / (RECALL_QUERIES * K);
  }

  figures(memory: Memory): { readonly bytesPerVector: number; readonly insertsPerSecond: number } {
    const active = this.#machine.state.partition({ code: CODES[memory], partition } as Parameters<SlotMachine['state']['partition']>[0]);
    if (active?.state !== 'active') throw new Error('the embedding is there');
    return { bytesPerVector: active.index.stats().memoryBytes / this.#count, insertsPerSecond: this.#count / this.#insertMs[memory] * 1_000 };
  }

  async close(): Promise<void> {
    await this.#machine.close();
    await this.#store.close();
    await this.#engine.close();
  }
}

function parseSpec(memory: Memory, dim: number, bits: number): ReturnType<typeof parseEmbeddingSpec> {
  return parseEmbeddingSpec({
    code: CODES[memory], tenant: 'default', name: memory, model: 'm', dim, distance: 'l2', hnsw: { m: 16, efConstruction: 200, seed: 1 }, rabitq: { bits, seed: 42, memory }, storage: 'f32', partitions: 1, replicas: 1,
  });
}

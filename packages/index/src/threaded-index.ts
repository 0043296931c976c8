import assert from 'node:assert';
import { DIED_NEVER } from '@shoal/kernel';
import type { Address, Kernel } from '@shoal/kernel';
import { CodesOnlySearch } from './codes-only-search.ts';
import { EngineClosedError, EngineOverloadedError } from './errors.ts';
import { encodeGroup } from './group.ts';
import { IdSet } from './id-set.ts';
import type { IndexOp } from './index-op.ts';
import type { IndexSpec } from './index-spec.ts';
import { keepsCodesOnly, rerankCount } from './kernel-parameters.ts';
import { GROUPS_IN_FLIGHT_MAX, QUERIES_PER_REQUEST_MAX } from './limits.ts';
import { assertBatch, assertGroup, assertRequest } from './parse-input.ts';
import type { ReadTurns } from './read-turns.ts';
import { SearchBatch } from './search-batch.ts';
import { SearchEpochs } from './search-epochs.ts';
import type { SearchDispatch } from './search-dispatch.ts';
import type { SearchHits, SearchRequest, SearchSettings } from './search-request.ts';
import { readIndexStats } from './stats.ts';
import type { IndexStats } from './stats.ts';
import type { VectorIndex } from './vector-index.ts';
import type { VectorSource } from './vector-source.ts';
import type { WriterThread } from './writer-thread.ts';

/** What an index needs of its engine. */
export interface IndexHost {
  /** The main thread's instance, for reading figures. */
  readonly kernel: Kernel;
  readonly writer: WriterThread;
  readonly dispatch: SearchDispatch;
  readonly rebaseStamp: number;
  /** Among which reads of vectors of all indexes take turns. */
  readonly readTurns: ReadTurns;
  /** Undefined while the engine is open and well. */
  closedReason(): Error | undefined;
  forget(index: ThreadedIndex): void;
}

/** A VectorIndex on the engine's threads. */
export class ThreadedIndex implements VectorIndex {
  readonly #host: IndexHost;
  readonly #index: Address;
  readonly #spec: IndexSpec;
  /** How it searches if it keeps codes alone. */
  readonly #codesOnly: CodesOnlySearch | undefined;
  readonly #epochs = new SearchEpochs();
  /** Every id ever put: putting one of them again has to wait for searches that may still see its last life. */
  readonly #used = new IdSet();
  readonly #applying = new Set<Promise<void>>();
  readonly #leaving = new AbortController();
  /** Files being written. */
  readonly #exporting = new Set<Promise<number>>();
  /** The last group that had to wait for searches; later groups queue behind it. */
  #barrier: Promise<void> | undefined;
  #dropped = false;

  constructor(host: IndexHost, index: Address, spec: IndexSpec, vectors: VectorSource | undefined) {
    this.#host = host;
    this.#index = index;
    this.#spec = spec;
    if (keepsCodesOnly(spec) && vectors !== undefined) this.#codesOnly = new CodesOnlySearch({ ...host, index, spec, vectors });
    const idCount = host.kernel.highWater(index) >>> 0;
    for (let id = 0; id < idCount; id++) this.#used.add(id);
  }

  async apply(ops: readonly IndexOp[]): Promise<void> {
    this.#assertOpen();
    assertGroup(ops, this.#spec.dim);
    if (ops.length === 0) return;
    if (this.#applying.size >= GROUPS_IN_FLIGHT_MAX) throw new EngineOverloadedError('groups');
    const recycles = this.#noteIds(ops);
    const stampsRunOut = this.#host.kernel.publishedStamp(this.#index) >>> 0 >= this.#host.rebaseStamp;
    const waits = recycles || stampsRunOut || this.#barrier !== undefined;
    const applied = waits ? this.#applyAfterSearches(ops, stampsRunOut) : this.#send(ops);
    this.#applying.add(applied);
    try {
      await applied;
    } finally {
      this.#applying.delete(applied);
    }
  }

  /** Notes the ids put and tells whether one of them was put before. */
  #noteIds(ops: readonly IndexOp[]): boolean {
    let recycles = false;
    for (const op of ops) if (op.type === 'put' && !this.#used.add(op.id)) recycles = true;
    return recycles;
  }

  #send(ops: readonly IndexOp[]): Promise<void> {
    const putCount = ops.reduce((count, op) => count + (op.type === 'put' ? 1 : 0), 0);
    return this.#host.writer.apply(this.#index, this.#spec.dim, putCount * this.#spec.dim * 4, () => encodeGroup(ops, this.#spec.dim));
  }

  #applyAfterSearches(ops: readonly IndexOp[], rebases: boolean): Promise<void> {
    const earlier = [...this.#applying];
    const applied = (async () => {
      await Promise.allSettled(earlier);
      await this.quiesce();
      if (rebases && this.#host.kernel.publishedStamp(this.#index) >>> 0 >= this.#host.rebaseStamp) {
        await this.#host.writer.rebase(this.#index);
        await this.quiesce();
      }
      await this.#send(ops);
    })();
    const barrier = applied.catch(() => undefined).then(() => {
      if (this.#barrier === barrier) this.#barrier = undefined;
    });
    this.#barrier = barrier;
    return applied;
  }

  search(request: SearchRequest): Promise<SearchHits> {
    if (this.#codesOnly !== undefined) return this.#searchCodes(request, this.#codesOnly);
    return new Promise((resolve, reject) => {
      this.#assertOpen();
      assertRequest(request, this.#spec);
      this.#submit(request.vector, request, ([hits]) => { resolve(hits as SearchHits); }, reject);
    });
  }

  searchMany(queries: Float32Array, settings: SearchSettings): Promise<SearchHits[]> {
    if (this.#codesOnly !== undefined) return this.#searchManyCodes(queries, settings);
    return new Promise((resolve, reject) => {
      this.#assertOpen();
      assertBatch(queries, settings, this.#spec);
      if (queries.length === 0) resolve([]);
      else this.#submit(queries, settings, resolve, reject);
    });
  }

  #submit(queries: Float32Array, settings: SearchSettings, resolve: (hits: SearchHits[]) => void, reject: (error: Error) => void): void {
    const leave = this.#epochs.enter();
    this.#host.dispatch.submit(new SearchBatch({
      index: this.#index, dim: this.#spec.dim, queries, settings, rerankCount: rerankCount(this.#spec, settings), places: settings.k,
      resolve: (hits) => { leave(); resolve(hits); },
      reject: (error) => { leave(); reject(error); },
    }));
  }

  /** All within one epoch, so that no id names another vector before its distance is computed. */
  async #searchCodes(request: SearchRequest, codesOnly: CodesOnlySearch): Promise<SearchHits> {
    this.#assertOpen();
    assertRequest(request, this.#spec);
    const leave = this.#epochs.enter();
    try {
      return await codesOnly.search(request);
    } finally {
      leave();
    }
  }

  /** Some at a time: the writer waits for searches that hold on to an old view. */
  async #searchManyCodes(queries: Float32Array, settings: SearchSettings): Promise<SearchHits[]> {
    this.#assertOpen();
    assertBatch(queries, settings, this.#spec);
    const { dim } = this.#spec;
    const hits: SearchHits[] = [];
    while (hits.length * dim < queries.length) {
      const some = Math.min(QUERIES_PER_REQUEST_MAX, queries.length / dim - hits.length);
      hits.push(...await Promise.all(Array.from({ length: some }, (_, i) => this.search({ ...settings, vector: queries.subarray((hits.length + i) * dim, (hits.length + i + 1) * dim) }))));
    }
    return hits;
  }

  async quiesce(): Promise<void> {
    await this.#epochs.drained();
    // The consumers of the last answers run in the microtasks before the next macrotask.
    await new Promise<void>((resolve) => { setImmediate(resolve); });
  }

  publishedStamp(): number {
    this.#assertOpen();
    return this.#host.kernel.publishedStamp(this.#index) >>> 0;
  }

  stats(): IndexStats {
    this.#assertOpen();
    return readIndexStats(this.#host.kernel, this.#index);
  }

  has(id: number): boolean {
    this.#assertOpen();
    return this.#host.kernel.diedAt(this.#index, id) >>> 0 === DIED_NEVER;
  }

  async exportTo(path: string, signal?: AbortSignal): Promise<number> {
    this.#assertOpen();
    signal?.throwIfAborted();
    assert(this.stats().graph, 'an index without a graph is not worth a file');
    const ends = signal === undefined ? this.#leaving.signal : AbortSignal.any([signal, this.#leaving.signal]);
    const exporting = this.#host.writer.export(this.#index, this.#spec, path, ends);
    this.#exporting.add(exporting);
    try {
      return await exporting;
    } finally {
      this.#exporting.delete(exporting);
    }
  }

  async drop(): Promise<void> {
    this.#assertOpen();
    this.#dropped = true;
    await this.settled();
    await this.#host.writer.drop(this.#index);
    this.#host.forget(this);
  }

  /** Ends exports; resolves when they, groups and searches under way have settled. */
  async settled(): Promise<void> {
    this.#leaving.abort();
    await Promise.allSettled(this.#applying);
    await Promise.allSettled(this.#exporting);
    await this.quiesce();
  }

  #assertOpen(): void {
    const reason = this.#host.closedReason();
    if (reason !== undefined) throw reason;
    if (this.#dropped) throw new EngineClosedError('index');
  }
}

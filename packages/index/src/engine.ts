import { availableParallelism } from 'node:os';
import assert from 'node:assert';
import { compileKernel, createMemory, instantiateKernel, MEMORY_PAGES_MAX, PAGE_BYTES } from '@shoal/kernel';
import type { Address, Kernel, WasmMemory, WasmModule } from '@shoal/kernel';
import { EngineClosedError, EngineMemoryFullError } from './errors.ts';
import { STAGING_BYTES } from './group-application.ts';
import type { IndexSpec } from './index-spec.ts';
import { FilterPool } from './filter-pool.ts';
import { laneCount } from './lane-count.ts';
import { FILTER_POOL_BYTES_MAX, FILTER_POOL_BYTES_MIN, FILTER_POOL_SHARE, REBASE_STAMP, RERANK_READS_MAX, SEARCH_THREADS_MAX } from './limits.ts';
import { assertSource, assertSpec } from './parse-input.ts';
import { OwnSearches } from './own-searches.ts';
import { RING_BYTES, SINGLE_SLOT_RING_BYTES } from './request-ring.ts';
import { SearchDispatch } from './search-dispatch.ts';
import { SearchThread } from './search-thread.ts';
import { SpareTime } from './spare-time.ts';
import type { EngineStats } from './stats.ts';
import type { ThreadTime } from './thread-time.ts';
import { ThreadedIndex } from './threaded-index.ts';
import type { IndexHost } from './threaded-index.ts';
import type { VectorEngine } from './vector-engine.ts';
import type { VectorIndex } from './vector-index.ts';
import { ReadTurns } from './read-turns.ts';
import type { VectorSource } from './vector-source.ts';
import { WriterThread } from './writer-thread.ts';

export interface EngineOptions {
  /** Limit of the shared memory, thread areas included; default just under 4 GiB. */
  readonly memoryMaxBytes?: number;
  /** Default one less than the cores, at least one. */
  readonly searchThreadCount?: number;
  /** Given, the calling thread searches by itself while it has time to spare (`SpareTime`). */
  readonly threadTime?: ThreadTime | undefined;
  /** Published stamp from which an index starts its stamps anew; for tests. */
  readonly rebaseStamp?: number;
  /** Called once when a thread died. The engine is of no use then: its owner closes it, and starts another or ends. */
  readonly onFailure?: (error: Error) => void;
}

interface EngineParts {
  readonly module: WasmModule;
  readonly memory: WasmMemory;
  readonly kernel: Kernel;
  readonly memoryMaxBytes: number;
  readonly rebaseStamp: number;
  readonly writer: { readonly scratch: Address; readonly staging: Address };
  readonly filters: { readonly pool: Address; readonly byteLength: number };
  /** Areas of the calling thread, where it searches by itself. */
  readonly own: { readonly scratch: Address; readonly ring: Address; readonly spareTime: SpareTime } | undefined;
  readonly searchers: readonly { readonly scratch: Address; readonly ring: Address }[];
}

/** Many indexes in one shared memory, one writer thread and several search threads. The calling thread does no index work but short searches, if it may. */
export class Engine implements VectorEngine {
  readonly #parts: EngineParts;
  readonly #writer: WriterThread;
  readonly #threads: readonly SearchThread[];
  readonly #dispatch: SearchDispatch;
  readonly #indexes = new Set<ThreadedIndex>();
  readonly #host: IndexHost;
  readonly #onFailure: ((error: Error) => void) | undefined;
  #closedReason: Error | undefined;
  #closing: Promise<void> | undefined;

  private constructor(parts: EngineParts, onFailure: ((error: Error) => void) | undefined) {
    this.#onFailure = onFailure;
    this.#parts = parts;
    const { module, memory, kernel, own } = parts;
    const filters = new FilterPool(memory, parts.filters.pool, parts.filters.byteLength);
    const onDeath = (error: Error): void => { this.#fail(error); };
    this.#dispatch = new SearchDispatch(filters, own === undefined ? undefined : (onLeft) => new OwnSearches({ kernel, memory, ...own, onLeft, onDeath }));
    this.#writer = new WriterThread({ module, memory, ...parts.writer }, onDeath);
    this.#threads = parts.searchers.map((areas) => (
      new SearchThread({ module, memory, ...areas }, filters, () => { this.#dispatch.refill(); }, onDeath)));
    this.#dispatch.start(this.#threads);
    this.#host = {
      kernel: parts.kernel, writer: this.#writer, dispatch: this.#dispatch, rebaseStamp: parts.rebaseStamp,
      readTurns: new ReadTurns(RERANK_READS_MAX),
      closedReason: () => this.#closedReason,
      forget: (index) => { this.#indexes.delete(index); },
    };
  }

  /** Rejects with EngineMemoryFullError where the limit is too small for the thread areas. */
  static start(options: EngineOptions = {}): Promise<Engine> {
    const threadCount = options.searchThreadCount ?? Math.max(1, Math.min(availableParallelism() - 1, SEARCH_THREADS_MAX));
    assert(threadCount >= 1 && threadCount <= SEARCH_THREADS_MAX, 'the number of search threads is bounded');
    const pageLimit = Math.min(MEMORY_PAGES_MAX, Math.floor((options.memoryMaxBytes ?? Infinity) / PAGE_BYTES));
    assert(pageLimit > 0, 'the memory limit is less than a page');
    return Promise.resolve().then(() => (
      new Engine(Engine.#layOut(pageLimit, threadCount, options), options.onFailure)));
  }

  /** Makes the memory and the threads' areas in it, before any thread runs. */
  static #layOut(pageLimit: number, threadCount: number, { rebaseStamp = REBASE_STAMP, threadTime }: EngineOptions): EngineParts {
    const module = compileKernel();
    const memory = createMemory(pageLimit);
    const kernel = instantiateKernel(module, memory);
    kernel.initEngine(pageLimit);
    const taken = (span: Address): Address => {
      if (span === 0) throw new EngineMemoryFullError();
      return span >>> 0;
    };
    const lanes = laneCount(kernel, pageLimit, threadCount + (threadTime === undefined ? 0 : 1));
    const writer = { scratch: taken(kernel.allocateScratch(1)), staging: taken(kernel.allocateSpan(STAGING_BYTES)) };
    const memoryMaxBytes = pageLimit * PAGE_BYTES;
    const byteLength = Math.min(FILTER_POOL_BYTES_MAX, Math.max(FILTER_POOL_BYTES_MIN, Math.floor(memoryMaxBytes * FILTER_POOL_SHARE)));
    const filters = { pool: taken(kernel.allocateSpan(byteLength)), byteLength };
    const areas = (ringBytes: number): { scratch: Address; ring: Address } => ({ scratch: taken(kernel.allocateScratch(lanes)), ring: taken(kernel.allocateSpan(ringBytes)) });
    const searchers = Array.from({ length: threadCount }, () => areas(RING_BYTES));
    const own = threadTime === undefined ? undefined : { ...areas(SINGLE_SLOT_RING_BYTES), spareTime: new SpareTime(threadTime) };
    return { module, memory, kernel, memoryMaxBytes, rebaseStamp, writer, filters, own, searchers };
  }

  /** A new empty index. Rejects with EngineMemoryFullError, EngineOverloadedError or EngineClosedError. */
  async openIndex(spec: IndexSpec, vectors?: VectorSource): Promise<VectorIndex> {
    assertSpec(spec);
    assertSource(spec, vectors);
    if (this.#closedReason !== undefined) throw this.#closedReason;
    return this.#opened(await this.#writer.create(spec), spec, vectors);
  }

  async importIndex(spec: IndexSpec, path: string, vectors?: VectorSource): Promise<VectorIndex> {
    assertSpec(spec);
    assertSource(spec, vectors);
    if (this.#closedReason !== undefined) throw this.#closedReason;
    return this.#opened(await this.#writer.import(spec, path), spec, vectors);
  }

  #opened(address: Address, spec: IndexSpec, vectors: VectorSource | undefined): VectorIndex {
    const index = new ThreadedIndex(this.#host, address, spec, vectors);
    this.#indexes.add(index);
    return index;
  }

  stats(): EngineStats {
    const { kernel, memory, memoryMaxBytes } = this.#parts;
    return {
      indexCount: kernel.indexCount(), usedBytes: kernel.usedBytes() >>> 0, memoryBytes: memory.buffer.byteLength, memoryMaxBytes,
      searchThreadCount: this.#threads.length, searchesInFlight: this.#dispatch.inFlightCount,
    };
  }

  /** Refuses new calls, lets those under way settle, then ends the threads. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closedReason ??= new EngineClosedError('engine');
    await Promise.all([...this.#indexes].map((index) => index.settled()));
    await Promise.all(this.#threads.map((thread) => thread.close()));
    await this.#writer.close();
  }

  /** A thread died: everything under way and everything later rejects with the reason. */
  #fail(error: Error): void {
    this.#closedReason ??= error;
    this.#writer.fail(error);
    this.#dispatch.fail(error);
    if (this.#closedReason === error) this.#onFailure?.(error);
  }
}

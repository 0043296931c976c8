import { LocalEngine, type EngineStats, type IndexOp, type IndexSpec, type IndexStats, type LocalIndex, type SearchHits, type SearchRequest, type SearchSettings, type VectorEngine, type VectorIndex } from '@shoal/index';
import type { SimProcess } from '@shoal/bus/sim';

const MEMORY_MAX_BYTES = 64 * 2 ** 20;

/** Engines of processes that died, used again: address space for memories is scarce. */
const idle: LocalEngine[] = [];

/** The real kernel without threads, taking the world's time, so that searches and writes of one process overlap. */
export class SimEngine implements VectorEngine {
  readonly #process: SimProcess;
  readonly #engine = idle.pop() ?? LocalEngine.start({ memoryMaxBytes: MEMORY_MAX_BYTES });
  readonly #indexes = new Set<LocalIndex>();
  #returned = false;

  constructor(process: SimProcess) {
    this.#process = process;
    process.onKill(() => this.#giveBack());
  }

  async openIndex(spec: IndexSpec): Promise<VectorIndex> {
    return this.#opened(this.#engine.openIndex(spec));
  }

  async importIndex(spec: IndexSpec, path: string): Promise<VectorIndex> {
    return this.#opened(await this.#engine.importIndex(spec, path));
  }

  #opened(index: LocalIndex): VectorIndex {
    this.#indexes.add(index);
    return new SimIndex(this.#process, index, () => {
      if (this.#indexes.delete(index)) index.drop();
    });
  }

  stats(): EngineStats {
    return { ...this.#engine.stats(), memoryMaxBytes: MEMORY_MAX_BYTES, searchThreadCount: 1, searchesInFlight: 0 };
  }

  async close(): Promise<void> {
    this.#giveBack();
  }

  #giveBack(): void {
    if (this.#returned) return;
    this.#returned = true;
    for (const index of this.#indexes) index.drop();
    this.#indexes.clear();
    idle.push(this.#engine);
  }
}

class SimIndex implements VectorIndex {
  readonly #process: SimProcess;
  readonly #index: LocalIndex;
  readonly #onDrop: () => void;
  readonly #searches = new Set<Promise<void>>();

  constructor(process: SimProcess, index: LocalIndex, onDrop: () => void) {
    this.#process = process;
    this.#index = index;
    this.#onDrop = onDrop;
  }

  async apply(ops: readonly IndexOp[]): Promise<void> {
    await this.#passTime(3);
    if (ops.length > 0) this.#index.apply(ops);
  }

  search(request: SearchRequest): Promise<SearchHits> {
    return this.#searching(() => this.#index.search(request));
  }

  searchMany(queries: Float32Array, settings: SearchSettings): Promise<SearchHits[]> {
    return this.#searching(() => this.#index.searchMany(queries, settings));
  }

  async #searching<Found>(search: () => Found): Promise<Found> {
    const ended = Promise.withResolvers<void>();
    this.#searches.add(ended.promise);
    try {
      await this.#passTime(2);
      const found = search();
      await this.#passTime(2);
      return found;
    } finally {
      this.#searches.delete(ended.promise);
      ended.resolve();
    }
  }

  async quiesce(): Promise<void> {
    await Promise.all(this.#searches);
    await this.#passTime(0);
  }

  publishedStamp(): number {
    return this.#index.publishedStamp();
  }

  stats(): IndexStats {
    return this.#index.stats();
  }

  has(id: number): boolean {
    return this.#index.has(id);
  }

  exportTo(path: string, signal?: AbortSignal): Promise<number> {
    return this.#index.exportTo(path, signal);
  }

  async drop(): Promise<void> {
    await this.quiesce();
    this.#onDrop();
  }

  #passTime(atMostMs: number): Promise<void> {
    return new Promise((resolve) => this.#process.timers.after(this.#process.world.between(0, atMostMs), resolve));
  }
}

import assert from 'node:assert';
import {
  compileKernel, createMemory, DIED_NEVER, instantiateKernel, MAX_CANDIDATES, MAX_DIM, MEMORY_PAGES_MAX, PAGE_BYTES, PATH_CODES,
} from '@shoal/kernel';
import type { Address, Kernel } from '@shoal/kernel';
import { answerBytes, readAnswer } from './answer.ts';
import { EngineMemoryFullError } from './errors.ts';
import { filterBytes, writeFilter } from './filter.ts';
import { GroupApplication, STAGING_BYTES } from './group-application.ts';
import type { WriterContext } from './group-application.ts';
import { encodeGroup } from './group.ts';
import { exportIndex } from './index-export.ts';
import { importIndex } from './index-import.ts';
import { laneCount } from './lane-count.ts';
import type { IndexOp } from './index-op.ts';
import type { IndexSpec } from './index-spec.ts';
import { createParameters, keepsCodesOnly, rerankCount } from './kernel-parameters.ts';
import { GROUP_OPS_MAX } from './limits.ts';
import { MemoryViews } from './memory-views.ts';
import { assertBatch, assertGroup, assertRequest, assertSource, assertSpec } from './parse-input.ts';
import { DEEPEST, Rerank } from './rerank.ts';
import type { IdFilter, SearchHits, SearchRequest, SearchSettings } from './search-request.ts';
import { readIndexStats } from './stats.ts';
import type { IndexStats } from './stats.ts';

/** What the kernel gives for no entry point, and for a count that it found no memory for. */
const ABSENT = 0xffff_ffff;

/** Where an index that keeps codes alone finds a vector at once; undefined where it is no more. */
export type VectorLookup = (id: number) => Float32Array | undefined;

/** The engine without threads: every call runs to its end in the caller's. For benchmarks, tests and tools. */
export class LocalEngine {
  readonly #writer: WriterContext;

  private constructor(writer: WriterContext) {
    this.#writer = writer;
  }

  /** Throws EngineMemoryFullError where the limit is too small for the thread areas. */
  static start(options: { readonly memoryMaxBytes?: number } = {}): LocalEngine {
    const pageLimit = Math.min(MEMORY_PAGES_MAX, Math.floor((options.memoryMaxBytes ?? Infinity) / PAGE_BYTES));
    assert(pageLimit > 0, 'the memory limit is less than a page');
    const memory = createMemory(pageLimit);
    const kernel = instantiateKernel(compileKernel(), memory);
    kernel.initEngine(pageLimit);
    const scratch = kernel.allocateScratch(laneCount(kernel, pageLimit, 1));
    const staging = kernel.allocateSpan(Math.max(STAGING_BYTES, 4 * MAX_DIM + answerBytes(MAX_CANDIDATES)));
    if (scratch === 0 || staging === 0) throw new EngineMemoryFullError();
    return new LocalEngine({ kernel, views: new MemoryViews(memory), scratch: scratch >>> 0, staging: staging >>> 0 });
  }

  /** An index that keeps codes alone needs to know where its vectors are. */
  openIndex(spec: IndexSpec, vectorOf?: VectorLookup): LocalIndex {
    assertSpec(spec);
    assertSource(spec, vectorOf);
    const index = this.#writer.kernel.createIndex(...createParameters(spec)) >>> 0;
    if (index === 0) throw new EngineMemoryFullError();
    return new LocalIndex(this.#writer, index, spec, vectorOf);
  }

  /** An index from a file. Rejects with IndexFileError or EngineMemoryFullError; with what reading threw. */
  async importIndex(spec: IndexSpec, path: string, vectorOf?: VectorLookup): Promise<LocalIndex> {
    assertSpec(spec);
    assertSource(spec, vectorOf);
    return new LocalIndex(this.#writer, await importIndex(this.#writer, createParameters(spec), path), spec, vectorOf);
  }

  stats(): { readonly indexCount: number; readonly usedBytes: number; readonly memoryBytes: number } {
    const { kernel, views } = this.#writer;
    return { indexCount: kernel.indexCount(), usedBytes: kernel.usedBytes() >>> 0, memoryBytes: views.byteLength };
  }
}

/** An index of a LocalEngine; same kernel and meaning as VectorIndex. */
export class LocalIndex {
  readonly #writer: WriterContext;
  readonly #kernel: Kernel;
  readonly #index: Address;
  readonly #spec: IndexSpec;
  /** Where the vectors are, if the index keeps codes alone. */
  readonly #vectorOf: VectorLookup | undefined;

  constructor(writer: WriterContext, index: Address, spec: IndexSpec, vectorOf: VectorLookup | undefined) {
    this.#writer = writer;
    this.#kernel = writer.kernel;
    this.#index = index;
    this.#spec = spec;
    this.#vectorOf = keepsCodesOnly(spec) ? vectorOf : undefined;
  }

  /** Applies a group; throws EngineMemoryFullError with nothing changed. */
  apply(ops: readonly IndexOp[]): void {
    assertGroup(ops, this.#spec.dim);
    const application = new GroupApplication(this.#writer, this.#index, this.#spec.dim, encodeGroup(ops, this.#spec.dim));
    if (!application.begin()) throw new EngineMemoryFullError();
    while (!application.step(GROUP_OPS_MAX));
  }

  search(request: SearchRequest): SearchHits {
    assertRequest(request, this.#spec);
    if (this.#vectorOf === undefined) return this.#ask(request, rerankCount(this.#spec, request), request.k);
    const first = this.#rerank(request, rerankCount(this.#spec, request), this.#vectorOf);
    if (!first.needsDeeper) return first.hits();
    return this.#rerank({ ...request, path: DEEPEST.path }, DEEPEST.rerankCount, this.#vectorOf).hits();
  }

  #rerank(request: SearchRequest, candidateCount: number, vectorOf: VectorLookup): Rerank {
    const places = this.#kernel.candidateCount(request.k, candidateCount);
    const rerank = new Rerank(this.#spec, request, this.#ask(request, candidateCount, places), places);
    for (let ids = rerank.nextIds(); ids.length > 0; ids = rerank.nextIds()) rerank.take(ids.map(vectorOf));
    return rerank;
  }

  #ask(request: SearchRequest, candidateCount: number, places: number): SearchHits {
    const { views, scratch, staging } = this.#writer;
    const answer = staging + 4 * MAX_DIM;
    const filter = this.#placeFilter(request.filter);
    const end = answer + answerBytes(places);
    const f32 = views.f32(end);
    f32.set(request.vector, staging / 4);
    this.#kernel.search(scratch, this.#index, staging, request.k, request.ef, PATH_CODES[request.path], candidateCount, filter, answer);
    if (filter !== 0) this.#kernel.freeSpan(filter);
    return readAnswer(views.u32(end), f32, answer, places);
  }

  /** A span with the filter, 0 without one. Throws EngineMemoryFullError. */
  #placeFilter(filter: IdFilter | undefined): Address {
    if (filter === undefined) return 0;
    const span = this.#kernel.allocateSpan(filterBytes(filter)) >>> 0;
    if (span === 0) throw new EngineMemoryFullError();
    writeFilter(this.#writer.views.u32(span + filterBytes(filter)), span, filter);
    return span;
  }

  /** One answer per query of `dim` floats in `queries`, in a single crossing into the kernel unless codes alone are kept. Throws EngineMemoryFullError. */
  searchMany(queries: Float32Array, settings: SearchSettings): SearchHits[] {
    assertBatch(queries, settings, this.#spec);
    const { dim } = this.#spec;
    const count = queries.length / dim;
    if (count === 0) return [];
    if (this.#vectorOf !== undefined) return Array.from({ length: count }, (_, i) => this.search({ ...settings, vector: queries.subarray(i * dim, (i + 1) * dim) }));
    const { k, ef, path } = settings;
    const { views, scratch } = this.#writer;
    const filter = this.#placeFilter(settings.filter);
    const span = this.#kernel.allocateSpan(queries.byteLength + count * answerBytes(k)) >>> 0;
    if (span === 0) {
      if (filter !== 0) this.#kernel.freeSpan(filter);
      throw new EngineMemoryFullError();
    }
    const answers = span + queries.byteLength;
    const end = answers + count * answerBytes(k);
    const [u32, f32] = [views.u32(end), views.f32(end)];
    f32.set(queries, span / 4);
    this.#kernel.searchMany(
      scratch, this.#index, span, count, k, ef, PATH_CODES[path], rerankCount(this.#spec, settings), filter, answers, answerBytes(k));
    const hits = Array.from({ length: count }, (_, i) => readAnswer(u32, f32, answers + i * answerBytes(k), k));
    this.#kernel.freeSpan(span);
    if (filter !== 0) this.#kernel.freeSpan(filter);
    return hits;
  }

  /** The stamp that a search sees. */
  publishedStamp(): number {
    return this.#kernel.publishedStamp(this.#index) >>> 0;
  }

  stats(): IndexStats {
    return readIndexStats(this.#kernel, this.#index);
  }

  has(id: number): boolean {
    return this.#kernel.diedAt(this.#index, id) >>> 0 === DIED_NEVER;
  }

  /** Writes the index, which has a graph, to a file; resolves with its bytes. Calls in between are as if from another thread. */
  exportTo(path: string, signal?: AbortSignal): Promise<number> {
    assert(this.stats().graph, 'an index without a graph is not worth a file');
    return exportIndex(this.#writer, this.#index, createParameters(this.#spec), path, signal);
  }

  /** Equal for two indexes that went through the same operations. */
  graphDigest(): bigint {
    return BigInt.asUintN(64, this.#kernel.graphDigest(this.#index));
  }

  /** The id at which walks begin, undefined without a graph. */
  entryId(): number | undefined {
    const id = this.#kernel.entryPoint(this.#index) >>> 0;
    return id === ABSENT ? undefined : id;
  }

  /** Live linked vectors that no path of edges leads to from the entry point. Throws EngineMemoryFullError. */
  unreachableCount(): number {
    const reachable = this.#kernel.reachableCount(this.#writer.scratch, this.#index) >>> 0;
    if (reachable === ABSENT) throw new EngineMemoryFullError();
    return this.stats().linkedCount - reachable;
  }

  drop(): void {
    this.#kernel.dropIndex(this.#index);
  }
}

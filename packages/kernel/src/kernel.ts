import { readFileSync } from 'node:fs';
import { MEMORY_PAGES_FIRST } from './limits.ts';
import { wasm } from './web-assembly.ts';
import type { WasmMemory, WasmModule } from './web-assembly.ts';

/** Byte address in the shared memory; 0 is none. */
export type Address = number;

export const DISTANCE_CODES = { cosine: 0, l2: 1, dot: 2 } as const;
export const PATH_CODES = { auto: 0, exact: 1, flat: 2, rabitq: 3 } as const;

/** Records that an index has one of per id. */
export const RECORD_KINDS = { vectors: 0, codes: 1, links: 2 } as const;

/** How a search treated its filter. */
export const STRATEGY_CODES = { none: 0, scan: 1, 'two-hop': 2, gated: 3 } as const;

/** Filter: number of words, strategy code (0 = by cost) and newest stamp, each u32, 4 bytes, then the words of the bitset. */
export const FILTER_HEADER_BYTES = 16;

/** Answer: count, path code with the strategy code above it (8 bits each), stamp and distances computed, each u32; then k ids u32; then k distances f32. */
export const ANSWER_HEADER_BYTES = 16;

/** The stamp at which a live record dies. */
export const DIED_NEVER = 0xffff_ffff;

/**
 * The kernel's functions over one shared memory. `scratch` is the calling thread's own. Only one thread, the writer, may call those
 * marked W; none of them traps when memory runs out. Unsigned results arrive as signed 32-bit numbers: take `>>> 0`.
 */
export interface Kernel {
  /** Lays out a fresh memory of at most `pageLimit` pages. */
  initEngine(pageLimit: number): void;
  /** W. A span of at least `bytes` bytes, or 0. */
  allocateSpan(bytes: number): Address;
  /** W. */
  freeSpan(span: Address): void;
  /**
   * Working memory of one thread, or 0, with areas for `lanes` searches in step, from 1 to MAX_LANES. Before the first index only: it relies on memory
   * that was never used.
   */
  allocateScratch(lanes: number): Address;
  /** Bytes of the areas for so many searches in step. */
  scratchBytes(lanes: number): number;
  /** W. An empty index, or 0. `codeBits` is 1, 2, 4 or 8, or 0 for an index without codes; `codesOnly` is 1 where vectors are not kept beside them, else 0. */
  createIndex(
    dim: number, distance: number, m: number, efConstruction: number, seed: number, flatThreshold: number,
    codeBits: number, rotationSeed: number, codesOnly: number,
  ): Address;
  /** W. No search on the index may be left. */
  dropIndex(index: Address): void;
  /** W. Memory for putting `count` ids (u32 at `ids`) of a group that puts `groupCount`; 0 = memory full, nothing visible changed. */
  reserve(index: Address, ids: Address, count: number, groupCount: number): number;
  /** 1 for an index that keeps codes alone and never had a put: then the vectors that come first may be its centre. */
  awaitsCentre(index: Address): number;
  /** W. Takes the `n`-th of the first vectors, n from 1, into the mean that `settleCentre` makes the centre. After `reserve`. */
  addToCentre(scratch: Address, index: Address, vector: Address, n: number): void;
  /** W. Fixes the centre before the first put: at the mean of `count` vectors, or at the origin where they are fewer than 64. */
  settleCentre(index: Address, count: number): void;
  /** W. Writes and links one vector under a reserved id that is not live. No search that could see the id's last life may be left. */
  put(scratch: Address, index: Address, id: number, vector: Address): void;
  /** W. Ends a live vector's life with this group. */
  remove(index: Address, id: number): void;
  /** W. Makes the group visible. */
  publish(index: Address): void;
  /** W. Takes a vector whose removal was published out of its neighbours' lists. */
  repair(scratch: Address, index: Address, id: number): void;
  /** W. Starts stamps anew; all searches must have ended before it and again before the next group. */
  rebase(index: Address): void;
  /**
   * Writes an answer for the k nearest to the `dim` floats at `query`; returns their number. A walk on codes computes the exact
   * distances of its `rerank` best candidates, at least k. `filter` is the address of a filter, or 0. An index that keeps codes alone writes
   * `candidateCount(k, rerank)` places: candidates, ascending by estimate, and their estimates, squared for l2.
   */
  search(
    scratch: Address, index: Address, query: Address, k: number, ef: number, path: number, rerank: number, filter: Address, answer: Address,
  ): number;
  /** Places of an answer of an index that keeps codes alone. */
  candidateCount(k: number, rerank: number): number;
  /**
   * `count` searches, queries back to back, answers `answerBytes` apart. Those that walk on codes without a filter go in step, as many as the
   * scratch has areas for.
   */
  searchMany(
    scratch: Address, index: Address, queries: Address, count: number, k: number, ef: number, path: number,
    rerank: number, filter: Address, answers: Address, answerBytes: number,
  ): void;
  /**
   * Of a linked vector of an index with codes beside its vectors: writes the distance estimated from its code (squared for l2, the negated inner product
   * else) and the bound of its error, 1.9 standard deviations, as two f64 at `out`. For cosine the query is normalised.
   */
  estimate(scratch: Address, index: Address, query: Address, id: number, out: Address): void;
  /** Rotates `dim` floats in place by the random orthogonal rotation of a seed. */
  rotate(vector: Address, dim: number, seed: number): void;
  /** Digest of every neighbour list; equal for equal operations. Not while the writer works on the index. */
  graphDigest(index: Address): bigint;
  /** The id at which walks begin; 2^32 - 1 without a graph. */
  entryPoint(index: Address): number;
  /** W. Live vectors that a walk over layer 0 comes to from the entry point; 2^32 - 1 where memory for it ran out. */
  reachableCount(scratch: Address, index: Address): number;
  /** When the id died: 0 where it was never put, DIED_NEVER where it lives. */
  diedAt(index: Address, id: number): number;
  /** Where a record lies, RECORD_KINDS its kind; how many bytes it takes; how many from it on lie one after another. */
  recordAddress(index: Address, kind: number, id: number): Address;
  recordBytes(index: Address, kind: number): number;
  recordRun(index: Address, kind: number, id: number): number;
  /** One more than the highest id ever put. */
  highWater(index: Address): number;
  /** Layer and id of the entry point in one word. */
  entryWord(index: Address): number;
  /** Where the centre of the codes lies, as long as a padded vector; 0 without codes. */
  centreAddress(index: Address): Address;
  /** How many ids from `from` on, at most `count`, have upper blocks of at most `capacity` bytes. */
  upperRun(index: Address, from: number, count: number, capacity: number): number;
  /** Bytes of the upper blocks of `count` ids. */
  upperBytes(index: Address, from: number, count: number): number;
  /** W. Copies upper blocks to `target`; returns their bytes. */
  exportUpper(index: Address, from: number, count: number, target: Address): number;
  /**
   * W. Fills an index that was just created: memory for `count` records, then their bytes are put in place and taken in, vectors before
   * all else, and `importEnd` makes it one. 0 from `importBegin` and `importVectors`: memory full; from `importLinks` and `importUpper`:
   * the bytes are no lists. The index is then to be dropped.
   */
  importBegin(index: Address, count: number): number;
  importVectors(index: Address, from: number, count: number): number;
  importCodes(index: Address, from: number, count: number): void;
  importLinks(index: Address, from: number, count: number, idCount: number): number;
  importUpper(index: Address, from: number, count: number, source: Address, idCount: number): number;
  importEnd(index: Address, idCount: number, entryWord: number): void;
  publishedStamp(index: Address): number;
  /** For tests of stamps running out. */
  continueFromStamp(index: Address, stamp: number): void;
  vectorCount(index: Address): number;
  deletedCount(index: Address): number;
  linkedCount(index: Address): number;
  memoryBytes(index: Address): number;
  graphReady(index: Address): number;
  usedBytes(): number;
  indexCount(): number;
}

/** Reads and compiles the kernel; once per process, the module is then shared with every thread. */
export function compileKernel(): WasmModule {
  return new wasm.Module(readFileSync(new URL('../dist/kernel.wasm', import.meta.url)));
}

/** A fresh shared memory that can grow to `pageLimit` pages. */
export function createMemory(pageLimit: number): WasmMemory {
  return new wasm.Memory({ initial: Math.min(MEMORY_PAGES_FIRST, pageLimit), maximum: pageLimit, shared: true });
}

/** The calling thread's instance of the kernel over a shared memory. */
export function instantiateKernel(module: WasmModule, memory: WasmMemory): Kernel {
  return new wasm.Instance(module, { env: { memory } }).exports as Kernel;
}

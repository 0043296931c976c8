import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GraphParameters, MeasuredEngine, VectorRows } from './measured-engine.ts';
import { rowOf } from './measured-engine.ts';
import type { ParallelEngine } from './parallel-engine.ts';

interface UsearchIndex {
  add(keys: bigint | BigUint64Array, vectors: Float32Array, threads: number): void;
  /** Keys of all queries back to back, k each. */
  search(vectors: Float32Array, k: number, threads: number): { readonly keys: BigUint64Array };
  save(path: string): void;
  load(path: string): void;
}

/** The part of usearch that is used. */
interface UsearchPackage {
  readonly Index: new (config: {
    dimensions: number; metric: 'l2sq'; quantization: UsearchScalar; connectivity: number; expansion_add: number;
    expansion_search: number; multi: false;
  }) => UsearchIndex;
}

export type UsearchScalar = 'f32' | 'f16' | 'bf16' | 'i8';

/** What brings every component into -1 to 1, which 8-bit integers need; it changes no order of distances. */
function scaleFor(scalar: UsearchScalar, rows: VectorRows): number {
  if (scalar !== 'i8') return 1;
  return 1 / rows.values.reduce((most, x) => Math.max(most, Math.abs(x)), Number.MIN_VALUE);
}

/** usearch through its Node binding. The beam width is fixed when an index is made, so each width loads the saved index anew. */
class SavedUsearch {
  readonly points: VectorRows;
  readonly asked: VectorRows;
  readonly #make: (ef: number) => UsearchIndex;
  readonly #folder = mkdtempSync(join(tmpdir(), 'shoal-bench-'));
  readonly #path = join(this.#folder, 'usearch.bin');
  #current: { readonly ef: number; readonly index: UsearchIndex } | undefined;

  constructor(peer: unknown, data: VectorRows, queries: VectorRows, parameters: GraphParameters, scalar: UsearchScalar) {
    const { Index } = peer as UsearchPackage;
    this.#make = (ef) => new Index({
      dimensions: queries.dim, metric: 'l2sq', quantization: scalar, connectivity: parameters.m,
      expansion_add: parameters.efConstruction, expansion_search: ef, multi: false });
    // Scaled before any clock runs.
    const scale = scaleFor(scalar, data);
    const scaled = (rows: VectorRows): VectorRows => (scale === 1 ? rows : { ...rows, values: rows.values.map((x) => x * scale) });
    this.points = scaled(data);
    this.asked = scaled(queries);
  }

  build(add: (index: UsearchIndex) => void): void {
    const index = this.#make(64);
    add(index);
    index.save(this.#path);
  }

  setEf(ef: number): void {
    if (this.#current?.ef === ef) return;
    const index = this.#make(ef);
    index.load(this.#path);
    this.#current = { ef, index };
  }

  get index(): UsearchIndex {
    return (this.#current as { readonly index: UsearchIndex }).index;
  }

  bytesPerVector(): number {
    return statSync(this.#path).size / this.points.count;
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** One query per call, on one thread. */
export function usearchEngine(
  peer: unknown, data: VectorRows, queries: VectorRows, parameters: GraphParameters, scalar: UsearchScalar,
): MeasuredEngine {
  const saved = new SavedUsearch(peer, data, queries, parameters, scalar);
  return {
    name: `usearch ${scalar}`,
    build() { saved.build((index) => { for (let row = 0; row < data.count; row++) index.add(BigInt(row), rowOf(saved.points, row), 1); }); },
    bytesPerVector: () => saved.bytesPerVector(),
    setEf(ef) { saved.setEf(ef); },
    search: (query, k) => saved.index.search(rowOf(saved.asked, query), k, 1).keys,
    close() { saved.close(); },
  };
}

/** All rows, then all queries, in one call on `threadCount` threads. */
export function parallelUsearch(
  peer: unknown, data: VectorRows, queries: VectorRows, parameters: GraphParameters, scalar: UsearchScalar, threadCount: number,
): ParallelEngine {
  const saved = new SavedUsearch(peer, data, queries, parameters, scalar);
  return {
    name: `usearch ${scalar}`,
    async build() { saved.build((index) => { index.add(BigUint64Array.from({ length: data.count }, (_, row) => BigInt(row)), saved.points.values, threadCount); }); },
    bytesPerVector: () => saved.bytesPerVector(),
    setEf(ef) { saved.setEf(ef); },
    async searchAll(k) {
      const { keys } = saved.index.search(saved.asked.values, k, threadCount);
      return (query) => keys.subarray(query * k, (query + 1) * k);
    },
    async close() { saved.close(); },
  };
}

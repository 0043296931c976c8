import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GraphParameters, MeasuredEngine, VectorRows } from './measured-engine.ts';
import { rowOf } from './measured-engine.ts';

interface UsearchIndex {
  add(key: bigint, vector: Float32Array, threads: number): void;
  search(vector: Float32Array, k: number, threads: number): { readonly keys: BigUint64Array };
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
export function usearchEngine(
  peer: unknown, data: VectorRows, queries: VectorRows, parameters: GraphParameters, scalar: UsearchScalar,
): MeasuredEngine {
  const { Index } = peer as UsearchPackage;
  const make = (ef: number): UsearchIndex => new Index({
    dimensions: queries.dim, metric: 'l2sq', quantization: scalar, connectivity: parameters.m,
    expansion_add: parameters.efConstruction, expansion_search: ef, multi: false });
  const folder = mkdtempSync(join(tmpdir(), 'shoal-bench-'));
  const path = join(folder, 'usearch.bin');
  // Scaled before any clock runs.
  const scale = scaleFor(scalar, data);
  const scaled = (rows: VectorRows): VectorRows => (scale === 1 ? rows : { ...rows, values: rows.values.map((x) => x * scale) });
  const points = scaled(data);
  const asked = scaled(queries);
  const byEf = new Map<number, UsearchIndex>();
  let current: UsearchIndex | undefined;
  let count = 0;
  return {
    name: `usearch ${scalar}`,
    build() {
      const index = make(64);
      for (let row = 0; row < data.count; row++) index.add(BigInt(row), rowOf(points, row), 1);
      index.save(path);
      count = data.count;
    },
    bytesPerVector: () => statSync(path).size / count,
    setEf(ef) {
      current = byEf.get(ef) ?? make(ef);
      if (!byEf.has(ef)) {
        current.load(path);
        byEf.clear();
        byEf.set(ef, current);
      }
    },
    search: (query, k) => (current as UsearchIndex).search(rowOf(asked, query), k, 1).keys,
    close() { rmSync(folder, { recursive: true }); },
  };
}

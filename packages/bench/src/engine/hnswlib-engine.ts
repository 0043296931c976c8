import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GraphParameters, MeasuredEngine, VectorRows } from './measured-engine.ts';
import { rowOf } from './measured-engine.ts';

/** The part of hnswlib-node that is used. */
interface HnswlibPackage {
  readonly HierarchicalNSW: new (space: 'l2', dim: number) => {
    initIndex(maxElements: number, m: number, efConstruction: number, seed: number): void;
    addPoint(point: number[], label: number): void;
    setEf(ef: number): void;
    searchKnn(query: number[], k: number): { readonly neighbors: number[] };
    writeIndexSync(path: string): void;
  };
}

/** hnswlib through its Node binding, which takes plain arrays: they are made before any clock runs. */
export function hnswlibEngine(peer: unknown, data: VectorRows, queries: VectorRows, parameters: GraphParameters, name = 'hnswlib-node'): MeasuredEngine {
  const { HierarchicalNSW } = peer as HnswlibPackage;
  const index = new HierarchicalNSW('l2', data.dim);
  const points = Array.from({ length: data.count }, (_, row) => Array.from(rowOf(data, row)));
  const queryPoints = Array.from({ length: queries.count }, (_, row) => Array.from(rowOf(queries, row)));
  return {
    name,
    build() {
      index.initIndex(data.count, parameters.m, parameters.efConstruction, 1);
      points.forEach((point, row) => { index.addPoint(point, row); });
    },
    bytesPerVector() {
      const folder = mkdtempSync(join(tmpdir(), 'shoal-bench-'));
      const path = join(folder, 'hnswlib.bin');
      index.writeIndexSync(path);
      const { size } = statSync(path);
      rmSync(folder, { recursive: true });
      return size / data.count;
    },
    setEf(ef) { index.setEf(ef); },
    search: (query, k) => index.searchKnn(queryPoints[query] as number[], k).neighbors,
    close() { points.length = 0; },
  };
}

import { LocalEngine } from '@shoal/index';
import type { CodeBits } from '@shoal/index';
import type { GraphParameters, MeasuredEngine, VectorRows } from './measured-engine.ts';
import { rowOf } from './measured-engine.ts';

/** Rows per applied group. */
const GROUP_ROWS = 100;
const SEED = 1;

/** How Shoal walks its graph: on full vectors, or on codes of so many bits. */
export type ShoalPath = 'exact' | CodeBits;

/** Shoal's own kernel on the calling thread. */
export function shoalEngine(queries: VectorRows, parameters: GraphParameters, walk: ShoalPath = 'exact'): MeasuredEngine {
  const codes = walk === 'exact' ? {} : { rabitq: { bits: walk, seed: SEED } };
  const index = LocalEngine.start().openIndex({ ...parameters, ...codes, dim: queries.dim, distance: 'l2', seed: SEED });
  const path = walk === 'exact' ? 'exact' : 'rabitq';
  let ef = 1;
  return {
    name: walk === 'exact' ? 'shoal exact' : `shoal rabitq ${walk}`,
    build(data) {
      for (let from = 0; from < data.count; from += GROUP_ROWS) {
        const to = Math.min(data.count, from + GROUP_ROWS);
        index.apply(Array.from({ length: to - from }, (_, i) => ({ type: 'put', id: from + i, vector: rowOf(data, from + i) })));
      }
    },
    bytesPerVector: () => index.stats().memoryBytes / index.stats().vectorCount,
    setEf(width) { ef = width; },
    search: (query, k) => index.search({ vector: rowOf(queries, query), k, ef, path }).ids,
    close() { index.drop(); },
  };
}

/** Row numbers of the k nearest of each query, by scanning everything. */
export function exactNeighbours(data: VectorRows, queries: VectorRows, k: number): Uint32Array[] {
  const index = LocalEngine.start().openIndex({
    dim: data.dim, distance: 'l2', m: 2, efConstruction: 1, seed: SEED, flatThreshold: data.count });
  for (let row = 0; row < data.count; row += GROUP_ROWS) {
    const to = Math.min(data.count, row + GROUP_ROWS);
    index.apply(Array.from({ length: to - row }, (_, i) => ({ type: 'put', id: row + i, vector: rowOf(data, row + i) })));
  }
  const truth = Array.from({ length: queries.count }, (_, i) => (
    index.search({ vector: rowOf(queries, i), k, ef: 1, path: 'flat' }).ids));
  index.drop();
  return truth;
}

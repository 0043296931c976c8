import { LocalEngine } from '@shoal/index';
import type { CodeBits, LocalIndex, SearchHits } from '@shoal/index';
import type { GraphParameters, MeasuredEngine, VectorRows } from './measured-engine.ts';
import { rowOf } from './measured-engine.ts';
import type { ParallelEngine } from './parallel-engine.ts';

/** Rows per applied group. */
const GROUP_ROWS = 100;
const SEED = 1;

/** How Shoal walks its graph: on full vectors, or on codes of so many bits. */
export type ShoalPath = 'exact' | CodeBits;

function openLocal({ dim }: VectorRows, parameters: GraphParameters, walk: ShoalPath): LocalIndex {
  const codes = walk === 'exact' ? {} : { rabitq: { bits: walk, seed: SEED } };
  return LocalEngine.start().openIndex({ ...parameters, ...codes, dim, distance: 'l2', seed: SEED });
}

function putRows(index: LocalIndex, rows: VectorRows): void {
  for (let from = 0; from < rows.count; from += GROUP_ROWS) {
    const to = Math.min(rows.count, from + GROUP_ROWS);
    index.apply(Array.from({ length: to - from }, (_, i) => ({ type: 'put', id: from + i, vector: rowOf(rows, from + i) })));
  }
}

const nameOf = (walk: ShoalPath): string => (walk === 'exact' ? 'shoal exact' : `shoal rabitq ${walk}`);
const bytesPerVector = (index: LocalIndex): number => index.stats().memoryBytes / index.stats().vectorCount;

/** Shoal's own kernel on the calling thread, one query per call. */
export function shoalEngine(queries: VectorRows, parameters: GraphParameters, walk: ShoalPath = 'exact'): MeasuredEngine {
  const index = openLocal(queries, parameters, walk);
  const path = walk === 'exact' ? 'exact' : 'rabitq';
  let ef = 1;
  return {
    name: nameOf(walk),
    build(data) { putRows(index, data); },
    bytesPerVector: () => bytesPerVector(index),
    setEf(width) { ef = width; },
    search: (query, k) => index.search({ vector: rowOf(queries, query), k, ef, path }).ids,
    close() { index.drop(); },
  };
}

/** The same, all queries in one call: on codes the kernel walks some of them in step. */
export function shoalInOneCall(queries: VectorRows, parameters: GraphParameters, walk: ShoalPath): ParallelEngine {
  const index = openLocal(queries, parameters, walk);
  const path = walk === 'exact' ? 'exact' : 'rabitq';
  let ef = 1;
  return {
    name: nameOf(walk),
    async build(data) { putRows(index, data); },
    bytesPerVector: () => bytesPerVector(index),
    setEf(width) { ef = width; },
    async searchAll(k) {
      const hits = index.searchMany(queries.values, { k, ef, path });
      return (query) => (hits[query] as SearchHits).ids;
    },
    async close() { index.drop(); },
  };
}

/** Row numbers of the k nearest of each query, by scanning everything. */
export function exactNeighbours(data: VectorRows, queries: VectorRows, k: number): Uint32Array[] {
  const index = LocalEngine.start().openIndex({
    dim: data.dim, distance: 'l2', m: 2, efConstruction: 1, seed: SEED, flatThreshold: data.count });
  putRows(index, data);
  const truth = Array.from({ length: queries.count }, (_, i) => (
    index.search({ vector: rowOf(queries, i), k, ef: 1, path: 'flat' }).ids));
  index.drop();
  return truth;
}

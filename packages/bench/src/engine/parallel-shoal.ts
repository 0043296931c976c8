import { Engine } from '@shoal/index';
import type { SearchHits } from '@shoal/index';
import type { GraphParameters, VectorRows } from './measured-engine.ts';
import { rowOf } from './measured-engine.ts';
import type { ParallelEngine } from './parallel-engine.ts';
import type { ShoalPath } from './shoal-engine.ts';

const GROUP_ROWS = 500;
const SEED = 1;

/** Shoal's engine with its threads: one inserts, `threadCount` search, and batches of queries reach them through the asynchronous interface. */
export async function parallelShoal(queries: VectorRows, parameters: GraphParameters, walk: ShoalPath, threadCount: number): Promise<ParallelEngine> {
  const engine = await Engine.start({ searchThreadCount: threadCount });
  const codes = walk === 'exact' ? {} : { rabitq: { bits: walk, seed: SEED } };
  const index = await engine.openIndex({ ...parameters, ...codes, dim: queries.dim, distance: 'l2', seed: SEED });
  const path = walk === 'exact' ? 'exact' : 'rabitq';
  let ef = 1;
  return {
    name: walk === 'exact' ? 'shoal exact' : `shoal rabitq ${walk}`,
    async build(data) {
      for (let from = 0; from < data.count; from += GROUP_ROWS) {
        const to = Math.min(data.count, from + GROUP_ROWS);
        await index.apply(Array.from({ length: to - from }, (_, i) => ({ type: 'put', id: from + i, vector: rowOf(data, from + i) })));
      }
    },
    bytesPerVector: () => index.stats().memoryBytes / index.stats().vectorCount,
    setEf(width) { ef = width; },
    async searchAll(k) {
      const hits = await index.searchMany(queries.values, { k, ef, path });
      return (query) => (hits[query] as SearchHits).ids;
    },
    close: () => engine.close(),
  };
}

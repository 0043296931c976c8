/** Searches the vectors that pass a filter by computing the exact distance of each, from the rows in the store. */
import type { Distance, VecId } from '@shoal/protocol';
import type { ShardStore } from '@shoal/store';
import type { SearchHits } from '@shoal/index';
import { PACE } from './limits.ts';
import type { ActivePartition } from './partition-state.ts';
import { idsOf } from './payload-index/dense-bits.ts';

export async function scanPassing(store: ShardStore, partition: ActivePartition, passing: Uint32Array, vector: Float32Array, k: number): Promise<Pick<SearchHits, 'ids' | 'distances' | 'path' | 'distanceComputations'>> {
  const ids = [...idsOf(passing)] as VecId[];
  let nearest: { readonly id: number; readonly distance: number }[] = [];
  for (let start = 0; start < ids.length; start += PACE.recoverGroupVectors) {
    const group = ids.slice(start, start + PACE.recoverGroupVectors);
    const rows = await store.rows(partition.ref, group, { payloads: false });
    group.forEach((id, index) => {
      const values = rows[index]?.values;
      if (values !== undefined) nearest.push({ id, distance: distanceOf(partition.spec.distance, vector, values) });
    });
    nearest = nearest.sort((a, b) => a.distance - b.distance || a.id - b.id).slice(0, k);
  }
  return { ids: Uint32Array.from(nearest, ({ id }) => id), distances: Float32Array.from(nearest, ({ distance }) => distance), path: 'flat', distanceComputations: ids.length };
}

function distanceOf(distance: Distance, a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let squares = 0;
  let normA = 0;
  let normB = 0;
  a.forEach((value, index) => {
    const other = b[index] ?? 0;
    dot += value * other;
    squares += (value - other) ** 2;
    normA += value * value;
    normB += other * other;
  });
  switch (distance) {
    case 'dot':
      return -dot;
    case 'l2':
      return Math.sqrt(squares);
    case 'cosine':
      return 1 - dot / Math.sqrt(normA * normB);
  }
}

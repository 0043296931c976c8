// Full precision where it counts: the nearest of the pool by estimate get their exact distances and are sorted by them.

import { batchDistances, laneOf, locateBatch } from './batch';
import { INVISIBLE, insertAt, keyOf, positionOf } from './keys';
import { isVisible, IX_DISTANCE, IX_VECTOR_BYTES } from './layout';
import { countDistances, S_BATCH_IDS, S_BATCH_RECORDS, S_POOL, S_POOL_COUNT } from './scratch';

/** Vectors whose cache misses overlap. */
const BATCH: u32 = 16;

/**
 * Leaves in the pool the `keep` nearest to `query` among its first `count` visible nodes, by exact distance, ascending. A node whose
 * distance is no number is left out.
 */
export function rerankPool(scratch: usize, index: usize, query: usize, count: u32, keep: u32, stamp: u32): void {
  const pool = scratch + S_POOL;
  const ids = scratch + S_BATCH_IDS;
  const kind = load<u32>(index, IX_DISTANCE);
  const bytes = load<u32>(index, IX_VECTOR_BYTES);
  const size = load<u32>(scratch, S_POOL_COUNT);
  let held: u32 = 0;
  let taken: u32 = 0;
  let at: u32 = 0;
  while (at < size && taken < count) {
    let batch: u32 = 0;
    for (; at < size && batch < BATCH && taken < count; at++) {
      const low = load<u32>(pool + (at << 3));
      if (low & INVISIBLE) continue;
      store<u32>(ids + (batch << 2), low >> 2);
      batch++;
      taken++;
    }
    if (batch == 0) break;
    locateBatch(false, scratch, index, batch);
    for (let i: u32 = 0; i < batch; i += 4) {
      const four = batchDistances(scratch, i, kind, query, bytes);
      const lanes = min<u32>(4, batch - i);
      for (let lane: u32 = 0; lane < lanes; lane++) {
        const distance = laneOf(four, lane);
        if (isNaN(distance) || !isVisible(load<u32>(scratch + S_BATCH_RECORDS + ((i + lane) << 2)), stamp)) continue;
        const key = keyOf(distance, load<u32>(ids + ((i + lane) << 2)));
        if (held == keep) {
          if (key >= load<u64>(pool + ((keep - 1) << 3))) continue;
          held--;
        }
        // The sorted front never grows past the nodes already read.
        insertAt(pool, held, positionOf(pool, held, key), key);
        held++;
      }
    }
  }
  countDistances(scratch, taken);
  store<u32>(scratch, held, S_POOL_COUNT);
}

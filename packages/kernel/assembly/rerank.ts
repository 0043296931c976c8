// Full precision where it counts: the nearest of the pool by estimate get their exact distances and are sorted by them.

import { batchDistances, laneOf, locateBatch } from './batch';
import { summandOf } from './estimate';
import { distanceOf, INVISIBLE, insertAt, keyOf, positionOf } from './keys';
import { isVisible, IX_DISTANCE, IX_VECTOR_BYTES } from './layout';
import { countDistances, S_BATCH_IDS, S_BATCH_RECORDS, S_POOL, S_POOL_COUNT, S_TOP } from './scratch';

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

/** Candidates of a scan that get exact distances in any case. */
const SCAN_LEAST: u32 = 32;
/** Errors of estimates ever seen in the scan are taken to reach so much farther in what is not seen. */
const ERROR_MARGIN: f32 = 1.5;

/**
 * The same for the pool of a scan, ascending by estimate and all of it visible: goes on until no later estimate can, by the greatest error
 * met so far, belong among the `keep` nearest. Where distances crowd, as on a shell around the query, that takes many; elsewhere few. False where
 * the pool ended before that.
 */
export function rerankScan(scratch: usize, index: usize, query: usize, keep: u32): bool {
  const pool = scratch + S_POOL;
  const ids = scratch + S_BATCH_IDS;
  const estimates = scratch + S_TOP;
  const kind = load<u32>(index, IX_DISTANCE);
  const bytes = load<u32>(index, IX_VECTOR_BYTES);
  const size = load<u32>(scratch, S_POOL_COUNT);
  let held: u32 = 0;
  let at: u32 = 0;
  let error: f32 = 0;
  const summand = <f32>summandOf(index, query);
  let sure = false;
  while (at < size) {
    if (at >= SCAN_LEAST && held == keep) {
      sure = distanceOf(load<u64>(pool + (at << 3))) + summand - ERROR_MARGIN * error > distanceOf(load<u64>(pool + ((keep - 1) << 3)));
      if (sure) break;
    }
    const batch = min<u32>(BATCH, size - at);
    for (let i: u32 = 0; i < batch; i++) {
      const key = load<u64>(pool + ((at + i) << 3));
      store<u32>(ids + (i << 2), <u32>key >> 2);
      store<f32>(estimates + (i << 2), distanceOf(key) + summand);
    }
    at += batch;
    locateBatch(false, scratch, index, batch);
    for (let i: u32 = 0; i < batch; i += 4) {
      const four = batchDistances(scratch, i, kind, query, bytes);
      const lanes = min<u32>(4, batch - i);
      for (let lane: u32 = 0; lane < lanes; lane++) {
        const distance = laneOf(four, lane);
        if (isNaN(distance)) continue;
        error = max<f32>(error, abs<f32>(distance - load<f32>(estimates + ((i + lane) << 2))));
        const key = keyOf(distance, load<u32>(ids + ((i + lane) << 2)));
        if (held == keep) {
          if (key >= load<u64>(pool + ((keep - 1) << 3))) continue;
          held--;
        }
        insertAt(pool, held, positionOf(pool, held, key), key);
        held++;
      }
    }
  }
  countDistances(scratch, at);
  store<u32>(scratch, held, S_POOL_COUNT);
  return sure;
}

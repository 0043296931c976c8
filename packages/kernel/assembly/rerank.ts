// Full precision where it counts: the nearest of the pool by estimate get their exact distances and are sorted by them.

import { batchDistances, laneOf, locateBatch } from './batch';
import { distanceOf, INVISIBLE, insertKey, keyOf } from './keys';
import { isVisible, IX_DISTANCE, IX_VECTOR_BYTES } from './layout';
import { POOL_CAPACITY } from './limits';
import { countDistances, S_BATCH_IDS, S_BATCH_RECORDS, S_POOL, S_POOL_COUNT, S_TOP } from './scratch';

/** Vectors whose cache misses overlap. */
const BATCH: u32 = 16;
/** Vectors by which it goes on once enough were read to tell how far estimates err. */
const BATCH_MORE: u32 = 4;
/** Estimates not yet checked are taken to err so much farther, in the span of the errors met so far, than the worst of those. */
const ERROR_MARGIN: f32 = 0.5;

/** Candidates of a scan that get exact distances in any case; of a walk for k, some more than k. */
const SCAN_LEAST: u32 = 32;
@inline function walkLeast(k: u32): u32 { return (k + 5) & ~3; }

/** Puts the next visible nodes of the pool, at most `most`, into the batch with their estimates; returns the pool position after them. */
@inline function takeBatch(scratch: usize, at: u32, size: u32, most: u32): u32 {
  let batch: u32 = 0;
  for (; at < size && batch < most; at++) {
    const key = load<u64>(scratch + S_POOL + (at << 3));
    if (<u32>key & INVISIBLE) continue;
    store<u32>(scratch + S_BATCH_IDS + (batch << 2), <u32>key >> 2);
    store<f32>(scratch + S_TOP + (batch << 2), distanceOf(key));
    batch++;
  }
  store<u32>(scratch, batch, S_POOL_COUNT);
  return at;
}

/** Whether no estimate from pool position `at` on can, by the errors met so far, belong among the nearest, the last of which is `farthest`. */
@inline function isSettled(pool: usize, at: u32, farthest: u64, least: f32, greatest: f32): bool {
  return distanceOf(load<u64>(pool + (at << 3))) + least - ERROR_MARGIN * (greatest - least) > distanceOf(farthest);
}

/**
 * Leaves in the pool the `keep` nearest to `query` among its first `most` visible nodes, by exact distance, ascending; a node whose
 * distance is no number is left out. Reads `least` of them in any case, then goes on until no later estimate can, by the errors met so far,
 * belong among the nearest: where distances crowd, as on a shell around the query, that takes many; elsewhere few. False where it ended
 * before that.
 */
function rerank(scratch: usize, index: usize, query: usize, least: u32, most: u32, keep: u32, stamp: u32): bool {
  const pool = scratch + S_POOL;
  const ids = scratch + S_BATCH_IDS;
  const kind = load<u32>(index, IX_DISTANCE);
  const bytes = load<u32>(index, IX_VECTOR_BYTES);
  const size = load<u32>(scratch, S_POOL_COUNT);
  let held: u32 = 0;
  let taken: u32 = 0;
  let at: u32 = 0;
  let errorLeast: f32 = Infinity;
  let errorGreatest: f32 = -Infinity;
  let settled = false;
  while (at < size && taken < most) {
    if (taken >= least && held == keep) {
      settled = isSettled(pool, at, load<u64>(pool + ((keep - 1) << 3)), errorLeast, errorGreatest);
      if (settled) break;
    }
    at = takeBatch(scratch, at, size, min<u32>(most - taken, taken < least ? min<u32>(BATCH, least - taken) : BATCH_MORE));
    const batch = load<u32>(scratch, S_POOL_COUNT);
    if (batch == 0) break;
    taken += batch;
    locateBatch(false, scratch, index, batch);
    for (let i: u32 = 0; i < batch; i += 4) {
      const four = batchDistances(scratch, i, kind, query, bytes);
      const lanes = min<u32>(4, batch - i);
      for (let lane: u32 = 0; lane < lanes; lane++) {
        const distance = laneOf(four, lane);
        if (isNaN(distance) || !isVisible(load<u32>(scratch + S_BATCH_RECORDS + ((i + lane) << 2)), stamp)) continue;
        const error = distance - load<f32>(scratch + S_TOP + ((i + lane) << 2));
        errorLeast = min<f32>(errorLeast, error);
        errorGreatest = max<f32>(errorGreatest, error);
        const key = keyOf(distance, load<u32>(ids + ((i + lane) << 2)));
        if (held == keep) {
          if (key >= load<u64>(pool + ((keep - 1) << 3))) continue;
          held--;
        }
        // The sorted front never grows past the nodes already read.
        insertKey(pool, held, key);
        held++;
      }
    }
  }
  countDistances(scratch, taken);
  store<u32>(scratch, held, S_POOL_COUNT);
  return settled;
}

/** The pool of a walk: reads at most `count`, and all of them where `keep` is as many. */
export function rerankPool(scratch: usize, index: usize, query: usize, count: u32, keep: u32, stamp: u32): void {
  rerank(scratch, index, query, walkLeast(keep), count, keep, stamp);
}

/** The pool of a scan. False where it ended before the nearest were settled. */
export function rerankScan(scratch: usize, index: usize, query: usize, keep: u32, stamp: u32): bool {
  return rerank(scratch, index, query, SCAN_LEAST, POOL_CAPACITY, keep, stamp);
}

// Beam searches of layer 0 under a filter. Gated: every node routes, and the allowed ones are results. Two-hop: only allowed nodes are
// computed and routed through; a neighbour that is not allowed lends its own list (ACORN-1: Patel et al., SIGMOD 2024), and the walk starts
// from a sample of the allowed too, since the nearest of all may have none of them around it.

import { recordAt } from './arena';
import { arenaOf, batchMeasures, bytesOf, gather, laneOf, locateBatch, measureOf } from './batch';
import { touchNextList } from './beam';
import { bitsOf, isAllowed, sampleAllowed, wordsOf } from './filter';
import { EXPANDED, INVISIBLE, insertKey, keyOf } from './keys';
import { isVisible, IX_HIGH_WATER, IX_LINKS, IX_M0 } from './layout';
import { POOL_CAPACITY } from './limits';
import { listCount, listId } from './links';
import { clearPool, poolBound, poolBoundDistance, poolCount } from './pool';
import { countDistances, S_BATCH_IDS, S_BATCH_RECORDS, S_POOL, S_POOL_BOUND, S_POOL_COUNT, S_POOL_VISIBLE, S_VISITED } from './scratch';
import { markVisited } from './visited';

/** Allowed vectors that a two-hop walk starts from, beside the entry point. */
const SEEDS: u32 = 64;

/**
 * Admits a key below the bound and returns its position. The pool keeps `ef` nodes and as many more as it takes to hold `quota` results:
 * where the filter agrees with the query the beam is as wide as without one, and where it does not the beam widens.
 */
@inline function admitFiltered(scratch: usize, key: u64, ef: u32, quota: u32): u32 {
  const pool = scratch + S_POOL;
  let size = load<u32>(scratch, S_POOL_COUNT);
  let visible = load<u32>(scratch, S_POOL_VISIBLE) + <u32>((<u32>key & INVISIBLE) == 0);
  const position = insertKey(pool, size, key);
  size++;
  if (visible >= quota) {
    for (; size > ef; size--) {
      const isResult = (load<u32>(pool + ((size - 1) << 3)) & INVISIBLE) == 0;
      if (isResult && visible == quota) break;
      visible -= <u32>isResult;
    }
    if (size >= ef) store<u64>(scratch, load<u64>(pool + ((size - 1) << 3)), S_POOL_BOUND);
  }
  if (size == POOL_CAPACITY) {
    size--;
    visible -= <u32>((load<u32>(pool + (size << 3)) & INVISIBLE) == 0);
    store<u64>(scratch, load<u64>(pool + ((size - 1) << 3)), S_POOL_BOUND);
  }
  store<u32>(scratch, size, S_POOL_COUNT);
  store<u32>(scratch, visible, S_POOL_VISIBLE);
  return position;
}

/** Admits those of the batch that are near enough; returns the first pool position not expanded. */
@inline function admitBatch(
  codes: bool, scratch: usize, index: usize, count: u32, query: usize, bits: usize, words: u32, ef: u32, quota: u32, stamp: u32, cursor: u32,
): u32 {
  const measure = measureOf(codes, index);
  const bytes = bytesOf(codes, index);
  let boundDistance = poolBoundDistance(scratch);
  for (let i: u32 = 0; i < count; i += 4) {
    const four = batchMeasures(codes, scratch, i, measure, query, bytes);
    // A NaN distance compares false and is never taken.
    let mask = <u32>i32x4.bitmask(f32x4.le(four, f32x4.splat(boundDistance)));
    const left = count - i;
    if (left < 4) mask &= (1 << left) - 1;
    for (; mask != 0; mask &= mask - 1) {
      const lane = ctz(mask);
      const at = (i + lane) << 2;
      const id = load<u32>(scratch + S_BATCH_IDS + at);
      const key = keyOf(laneOf(four, lane), id);
      if (key >= poolBound(scratch)) continue;
      const isResult = isAllowed(bits, words, id) && isVisible(load<u32>(scratch + S_BATCH_RECORDS + at), stamp);
      cursor = min<u32>(cursor, admitFiltered(scratch, isResult ? key : key | INVISIBLE, ef, quota));
      boundDistance = poolBoundDistance(scratch);
    }
  }
  return cursor;
}

/** Marks an id visited; false where it was. */
@inline function visit(scratch: usize, id: u32): bool {
  if ((load<u32>(scratch + S_VISITED + ((id >> 5) << 2)) >> (id & 31)) & 1) return false;
  markVisited(scratch, id);
  return true;
}

/** Collects unvisited allowed ids of a list and of the lists of its other ids into the batch, as many as a list holds at most. */
@inline function gatherTwoHop(scratch: usize, index: usize, list: usize, bits: usize, words: u32): u32 {
  const ids = scratch + S_BATCH_IDS;
  const capacity = load<u32>(index, IX_M0);
  const own = listCount(list);
  let count: u32 = 0;
  for (let i: u32 = 0; i < own; i++) {
    const id = listId(list, i);
    if (!isAllowed(bits, words, id) || !visit(scratch, id)) continue;
    store<u32>(ids + (count << 2), id);
    count++;
  }
  for (let i: u32 = 0; i < own && count < capacity; i++) {
    const via = listId(list, i);
    if (isAllowed(bits, words, via) || !visit(scratch, via)) continue;
    const other = recordAt(index + IX_LINKS, via);
    const otherCount = listCount(other);
    for (let j: u32 = 0; j < otherCount && count < capacity; j++) {
      const id = listId(other, j);
      if (!isAllowed(bits, words, id) || !visit(scratch, id)) continue;
      store<u32>(ids + (count << 2), id);
      count++;
    }
  }
  return count;
}

/** The nodes a search starts from, marked as visited, into the batch; returns their number. */
@inline function gatherStart(codes: bool, twoHop: bool, scratch: usize, index: usize, bits: usize, words: u32, entry: u32, stamp: u32): u32 {
  const ids = scratch + S_BATCH_IDS;
  store<u32>(ids, entry);
  markVisited(scratch, entry);
  if (!twoHop) return 1;
  const sampled = sampleAllowed(bits, words, SEEDS, ids + 4);
  const highWater = atomic.load<u32>(index, IX_HIGH_WATER);
  let count: u32 = 1;
  for (let i: u32 = 1; i <= sampled; i++) {
    const id = load<u32>(ids + (i << 2));
    if (id >= highWater || !isVisible(recordAt(arenaOf(codes, index), id), stamp) || !visit(scratch, id)) continue;
    store<u32>(ids + (count << 2), id);
    count++;
  }
  return count;
}

@inline function fillPool(
  codes: bool, twoHop: bool, scratch: usize, index: usize, query: usize, entry: u32, ef: u32, quota: u32, budget: u32, filter: usize, stamp: u32,
): bool {
  const pool = scratch + S_POOL;
  const bits = bitsOf(filter);
  const words = wordsOf(filter, index);
  clearPool(scratch);
  let computed = gatherStart(codes, twoHop, scratch, index, bits, words, entry, stamp);
  locateBatch(codes, scratch, index, computed);
  admitBatch(codes, scratch, index, computed, query, bits, words, ef, quota, stamp, 0);
  let cursor: u32 = 0;
  while (cursor < poolCount(scratch) && computed < budget) {
    const at = pool + (cursor << 3);
    const low = load<u32>(at);
    cursor++;
    if (low & EXPANDED) continue;
    store<u32>(at, low | EXPANDED);
    const list = recordAt(index + IX_LINKS, low >> 2);
    const count = twoHop ? gatherTwoHop(scratch, index, list, bits, words) : gather(scratch, list);
    if (count == 0) continue;
    locateBatch(codes, scratch, index, count);
    touchNextList(scratch, index, cursor);
    computed += count;
    cursor = admitBatch(codes, scratch, index, count, query, bits, words, ef, quota, stamp, cursor);
  }
  countDistances(scratch, computed);
  return cursor >= poolCount(scratch) && load<u32>(scratch, S_POOL_VISIBLE) >= quota;
}

/**
 * Fills the pool from `entry` on, ascending; what is no result is marked invisible. False where `budget` distances did not suffice to find
 * `quota` results and all around them. The visited set must be clear and is left set.
 */
export function searchGated(
  codes: bool, scratch: usize, index: usize, query: usize, entry: u32, ef: u32, quota: u32, budget: u32, filter: usize, stamp: u32,
): bool {
  return codes ? fillPool(true, false, scratch, index, query, entry, ef, quota, budget, filter, stamp)
    : fillPool(false, false, scratch, index, query, entry, ef, quota, budget, filter, stamp);
}

/** The same by two hops, with `ef` results. */
export function searchTwoHop(codes: bool, scratch: usize, index: usize, query: usize, entry: u32, ef: u32, filter: usize, stamp: u32): void {
  if (codes) fillPool(true, true, scratch, index, query, entry, ef, ef, u32.MAX_VALUE, filter, stamp);
  else fillPool(false, true, scratch, index, query, entry, ef, ef, u32.MAX_VALUE, filter, stamp);
}

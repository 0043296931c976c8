// Beam search of one layer (Malkov and Yashunin 2018, algorithm 2) over the candidate pool: on the codes where the index has them and the
// caller wants it, else on the vectors. Each is compiled for itself.

import { recordAt } from './arena';
import { batchMeasures, bytesOf, gather, locateBatch, measureOf } from './batch';
import { EXPANDED, INVISIBLE, keyOf } from './keys';
import { isVisible, IX_LINKS, IX_M0 } from './layout';
import { listAt } from './links';
import { admit, clearPool, poolBound, poolBoundDistance, poolCount } from './pool';
import { countDistances, S_BATCH_IDS, S_BATCH_MEASURES, S_BATCH_RECORDS, S_POOL, S_SINK } from './scratch';
import { markVisited } from './visited';

/** Loads the ends of the list that will probably be read next, while distances are computed. */
@inline export function touchNextList(scratch: usize, index: usize, cursor: u32): void {
  if (cursor >= poolCount(scratch)) return;
  const list = recordAt(index + IX_LINKS, load<u32>(scratch + S_POOL + (cursor << 3)) >> 2);
  store<u32>(scratch, load<u32>(list) ^ load<u32>(list + (load<u32>(index, IX_M0) << 2)), S_SINK);
}

/** Distances that one mask tells of. */
const MASKED: u32 = 64;

/** Bit i tells whether the i-th of `count` distances is within the bound. One that is no number compares false and is never taken. */
@inline function withinBound(measures: usize, count: u32, bound: f32): u64 {
  const bounds = f32x4.splat(bound);
  let mask: u64 = 0;
  for (let i: u32 = 0; i < count; i += 4) mask |= <u64>i32x4.bitmask(f32x4.le(v128.load(measures + (i << 2)), bounds)) << i;
  return count < MASKED ? mask & ((<u64>1 << count) - 1) : mask;
}

/** Computes the distances of a batch. */
@inline export function measureBatch(codes: bool, scratch: usize, count: u32, measure: u32, bytes: u32, query: usize): void {
  const measures = scratch + S_BATCH_MEASURES;
  for (let i: u32 = 0; i < count; i += 4) v128.store(measures + (i << 2), batchMeasures(codes, scratch, i, measure, query, bytes));
}

/**
 * Admits those of the batch that are near enough; returns the first pool position not expanded. All distances come before any choice, and one loop over those
 * within the bound as it was before makes all choices: each that the processor guesses wrong stops it from fetching records and lists ahead.
 */
@inline export function admitBatch(scratch: usize, count: u32, ef: u32, stamp: u32, cursor: u32): u32 {
  const measures = scratch + S_BATCH_MEASURES;
  for (let from: u32 = 0; from < count; from += MASKED) {
    let mask = withinBound(measures + (from << 2), min<u32>(MASKED, count - from), poolBoundDistance(scratch));
    for (; mask != 0; mask &= mask - 1) {
      const at = (from + <u32>ctz(mask)) << 2;
      const key = keyOf(load<f32>(measures + at), load<u32>(scratch + S_BATCH_IDS + at));
      if (key >= poolBound(scratch)) continue;
      const visible = isVisible(load<u32>(scratch + S_BATCH_RECORDS + at), stamp);
      cursor = min<u32>(cursor, admit(scratch, visible ? key : key | INVISIBLE, ef));
    }
  }
  return cursor;
}

@inline function fillPool(codes: bool, scratch: usize, index: usize, layer: u32, query: usize, entry: u32, ef: u32, stamp: u32): void {
  const pool = scratch + S_POOL;
  const measure = measureOf(codes, index);
  const bytes = bytesOf(codes, index);
  markVisited(scratch, entry);
  clearPool(scratch);
  store<u32>(scratch, entry, S_BATCH_IDS);
  locateBatch(codes, scratch, index, 1);
  measureBatch(codes, scratch, 1, measure, bytes, query);
  admitBatch(scratch, 1, ef, stamp, 0);
  let cursor: u32 = 0;
  let computed: u32 = 1;
  while (cursor < poolCount(scratch)) {
    const at = pool + (cursor << 3);
    const low = load<u32>(at);
    cursor++;
    if (low & EXPANDED) continue;
    store<u32>(at, low | EXPANDED);
    const list = listAt(index, layer, low >> 2);
    const count: u32 = list == 0 ? 0 : gather(scratch, list);
    if (count == 0) continue;
    locateBatch(codes, scratch, index, count);
    if (layer == 0) touchNextList(scratch, index, cursor);
    computed += count;
    measureBatch(codes, scratch, count, measure, bytes, query);
    cursor = admitBatch(scratch, count, ef, stamp, cursor);
  }
  countDistances(scratch, computed);
}

function fillPoolByVectors(scratch: usize, index: usize, layer: u32, query: usize, entry: u32, ef: u32, stamp: u32): void {
  fillPool(false, scratch, index, layer, query, entry, ef, stamp);
}

function fillPoolByCodes(scratch: usize, index: usize, layer: u32, entry: u32, ef: u32, stamp: u32): void {
  fillPool(true, scratch, index, layer, 0, entry, ef, stamp);
}

/**
 * Fills the pool with the nodes of `layer` nearest to the query, starting from `entry`; ascending, `S_POOL_COUNT` of them. On codes the
 * query is the one coded in the scratch. The visited set must be clear, but for nodes to be passed over, and is left set.
 */
export function searchLayer(
  codes: bool, scratch: usize, index: usize, layer: u32, query: usize, entry: u32, ef: u32, stamp: u32,
): void {
  if (codes) fillPoolByCodes(scratch, index, layer, entry, ef, stamp);
  else fillPoolByVectors(scratch, index, layer, query, entry, ef, stamp);
}

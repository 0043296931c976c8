// The walk through the layers above, a beam of one on each. A node that was measured, on whatever layer, was no nearer than the nearest so
// far, so it is not measured again.

import { batchMeasures, bytesOf, gather, laneOf, locateBatch, measureOf } from './batch';
import { keyOf } from './keys';
import { listAt } from './links';
import { countDistances, S_BATCH_IDS } from './scratch';
import { clearVisited, markVisited } from './visited';

/** The nearest of the batch's first `count`, or `best` if that is nearer. */
@inline export function nearest(codes: bool, scratch: usize, count: u32, measure: u32, query: usize, bytes: u32, best: u64): u64 {
  for (let i: u32 = 0; i < count; i += 4) {
    const four = batchMeasures(codes, scratch, i, measure, query, bytes);
    const lanes = min<u32>(4, count - i);
    for (let lane: u32 = 0; lane < lanes; lane++) {
      best = min<u64>(best, keyOf(laneOf(four, lane), load<u32>(scratch + S_BATCH_IDS + ((i + lane) << 2))));
    }
  }
  return best;
}

/** Puts the entry alone into the batch, marked as visited, and measures it. */
@inline export function measureEntry(codes: bool, scratch: usize, index: usize, query: usize, entry: u32): u64 {
  markVisited(scratch, entry);
  store<u32>(scratch, entry, S_BATCH_IDS);
  locateBatch(codes, scratch, index, 1);
  countDistances(scratch, 1);
  return nearest(codes, scratch, 1, measureOf(codes, index), query, bytesOf(codes, index), u64.MAX_VALUE);
}

@inline function walk(codes: bool, scratch: usize, index: usize, layer: u32, query: usize, best: u64): u64 {
  const measure = measureOf(codes, index);
  const bytes = bytesOf(codes, index);
  let computed: u32 = 0;
  for (;;) {
    const before = best;
    const list = listAt(index, layer, <u32>best >> 2);
    const count: u32 = list == 0 ? 0 : gather(scratch, list);
    if (count == 0) break;
    locateBatch(codes, scratch, index, count);
    computed += count;
    best = nearest(codes, scratch, count, measure, query, bytes, best);
    if (best == before) break;
  }
  countDistances(scratch, computed);
  return best;
}

function walkVectors(scratch: usize, index: usize, layer: u32, query: usize, best: u64): u64 {
  return walk(false, scratch, index, layer, query, best);
}

function walkCodes(scratch: usize, index: usize, layer: u32, best: u64): u64 {
  return walk(true, scratch, index, layer, 0, best);
}

/**
 * Walks the layers from `from` down to just above `to`, each to the node nearest to the query; returns the last. The visited set must be
 * clear, and is left so.
 */
export function descend(codes: bool, scratch: usize, index: usize, from: u32, to: u32, query: usize, entry: u32): u32 {
  if (from <= to) return entry;
  let best = codes ? measureEntry(true, scratch, index, 0, entry) : measureEntry(false, scratch, index, query, entry);
  for (let layer = from; layer > to; layer--) {
    best = codes ? walkCodes(scratch, index, layer, best) : walkVectors(scratch, index, layer, query, best);
  }
  clearVisited(scratch);
  return <u32>best >> 2;
}

// The walk through the layers above, a beam of one on each. A node that was measured, on whatever layer, was no nearer than the nearest so
// far, so it is not measured again.

import { batchMeasures, bytesOf, gather, laneOf, locateBatch, measureOf } from './batch';
import { keyOf } from './keys';
import { listAt } from './links';
import { countDistances, S_BATCH_IDS } from './scratch';
import { clearVisited, markVisited } from './visited';

/** The nearest of the batch's first `count`, or `best` if that is nearer. */
@inline function nearest(codes: bool, scratch: usize, count: u32, measure: u32, query: usize, bytes: u32, best: u64): u64 {
  for (let i: u32 = 0; i < count; i += 4) {
    const four = batchMeasures(codes, scratch, i, measure, query, bytes);
    const lanes = min<u32>(4, count - i);
    for (let lane: u32 = 0; lane < lanes; lane++) {
      best = min<u64>(best, keyOf(laneOf(four, lane), load<u32>(scratch + S_BATCH_IDS + ((i + lane) << 2))));
    }
  }
  return best;
}

@inline function walk(codes: bool, scratch: usize, index: usize, layer: u32, query: usize, entry: u32): u32 {
  const measure = measureOf(codes, index);
  const bytes = bytesOf(codes, index);
  store<u32>(scratch, entry, S_BATCH_IDS);
  locateBatch(codes, scratch, index, 1);
  let best = nearest(codes, scratch, 1, measure, query, bytes, u64.MAX_VALUE);
  let computed: u32 = 1;
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
  return <u32>best >> 2;
}

function walkVectors(scratch: usize, index: usize, layer: u32, query: usize, entry: u32): u32 {
  return walk(false, scratch, index, layer, query, entry);
}

function walkCodes(scratch: usize, index: usize, layer: u32, entry: u32): u32 {
  return walk(true, scratch, index, layer, 0, entry);
}

/**
 * Walks the layers from `from` down to just above `to`, each to the node nearest to the query; returns the last. The visited set must be
 * clear, and is left so.
 */
export function descend(codes: bool, scratch: usize, index: usize, from: u32, to: u32, query: usize, entry: u32): u32 {
  let current = entry;
  markVisited(scratch, entry);
  for (let layer = from; layer > to; layer--) {
    current = codes ? walkCodes(scratch, index, layer, current) : walkVectors(scratch, index, layer, query, current);
  }
  clearVisited(scratch);
  return current;
}

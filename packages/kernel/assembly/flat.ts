// Exact scan: every vector visible at the stamp, the k nearest kept in a binary max-heap of keys.

import { recordAt } from './arena';
import { batchDistances, laneOf } from './batch';
import { distanceOf, keyOf } from './keys';
import { isVisible, IX_DISTANCE, IX_HIGH_WATER, IX_VECTOR_BYTES, IX_VECTORS } from './layout';
import { countDistances, S_BATCH_IDS, S_BATCH_RECORDS, S_TOP } from './scratch';

function siftUp(heap: usize, at: u32): void {
  const key = load<u64>(heap + (at << 3));
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const other = load<u64>(heap + (parent << 3));
    if (other >= key) break;
    store<u64>(heap + (at << 3), other);
    at = parent;
  }
  store<u64>(heap + (at << 3), key);
}

function siftDown(heap: usize, count: u32, key: u64): void {
  let at: u32 = 0;
  for (;;) {
    let child: u32 = 2 * at + 1;
    if (child >= count) break;
    if (child + 1 < count && load<u64>(heap + ((child + 1) << 3)) > load<u64>(heap + (child << 3))) child++;
    const other = load<u64>(heap + (child << 3));
    if (other <= key) break;
    store<u64>(heap + (at << 3), other);
    at = child;
  }
  store<u64>(heap + (at << 3), key);
}

/** Sorts a heap into ascending order. */
export function sortHeap(heap: usize, count: u32): void {
  for (let last = count; last > 1; last--) {
    const tail = load<u64>(heap + ((last - 1) << 3));
    store<u64>(heap + ((last - 1) << 3), load<u64>(heap));
    siftDown(heap, last - 1, tail);
  }
}

/** Offers up to four records, from position `i` of the batch, to a heap of at most k keys; returns how many it holds. */
@inline export function offer(scratch: usize, heap: usize, i: u32, count: u32, four: v128, held: u32, k: u32): u32 {
  const bound: f32 = held == k ? distanceOf(load<u64>(heap)) : Infinity;
  if (!v128.any_true(f32x4.le(four, f32x4.splat(bound)))) return held;
  for (let lane: u32 = 0; lane < count; lane++) {
    const key = keyOf(laneOf(four, lane), load<u32>(scratch + S_BATCH_IDS + ((i + lane) << 2)));
    if (held < k) {
      store<u64>(heap + (held << 3), key);
      siftUp(heap, held);
      held++;
    } else if (key < load<u64>(heap)) {
      siftDown(heap, k, key);
    }
  }
  return held;
}

/** Leaves the k nearest in S_TOP, ascending, and returns their number. */
export function scan(scratch: usize, index: usize, query: usize, k: u32, stamp: u32): u32 {
  const kind = load<u32>(index, IX_DISTANCE);
  const bytes = load<u32>(index, IX_VECTOR_BYTES);
  const highWater = atomic.load<u32>(index, IX_HIGH_WATER);
  const records = scratch + S_BATCH_RECORDS;
  let batch: u32 = 0;
  let held: u32 = 0;
  let computed: u32 = 0;
  for (let id: u32 = 0; id < highWater; id++) {
    const record = recordAt(index + IX_VECTORS, id);
    if (!isVisible(record, stamp)) continue;
    store<u32>(scratch + S_BATCH_IDS + (batch << 2), id);
    store<u32>(records + (batch << 2), <u32>record);
    computed++;
    if (++batch < 4) continue;
    held = offer(scratch, scratch + S_TOP, 0, 4, batchDistances(scratch, 0, kind, query, bytes), held, k);
    batch = 0;
  }
  if (batch > 0) {
    const last = load<u32>(records + ((batch - 1) << 2));
    for (let i = batch; i < 4; i++) store<u32>(records + (i << 2), last);
    held = offer(scratch, scratch + S_TOP, 0, batch, batchDistances(scratch, 0, kind, query, bytes), held, k);
  }
  sortHeap(scratch + S_TOP, held);
  countDistances(scratch, computed);
  return held;
}

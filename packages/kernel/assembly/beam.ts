// Beam search of one layer (Malkov and Yashunin 2018, algorithm 2) over the candidate pool, and the descent of the layers above.

import { recordAt } from './arena';
import { distance1, distances4 } from './distance';
import { EXPANDED, INVISIBLE, keyOf } from './keys';
import { isVisible, IX_DISTANCE, IX_LINKS, IX_M0, IX_VECTOR_BYTES, IX_VECTORS, RECORD_HEADER_BYTES } from './layout';
import { listAt, listCount } from './links';
import { admit, clearPool, poolBound, poolBoundDistance, poolCount } from './pool';
import {
  countDistances, S_BATCH_IDS, S_BATCH_RECORDS, S_POOL, S_SINK, S_TOUCHED, S_TOUCHED_COUNT, S_VISITED,
} from './scratch';
import { closeTouched, markVisited } from './visited';

/** Collects the unvisited neighbours of a list into the batch, marks them, and returns their number. */
@inline function gather(scratch: usize, index: usize, list: usize): u32 {
  const ids = scratch + S_BATCH_IDS;
  const records = scratch + S_BATCH_RECORDS;
  const visited = scratch + S_VISITED;
  let touched = load<u32>(scratch, S_TOUCHED_COUNT);
  let count: u32 = 0;
  const end = list + 4 + (listCount(list) << 2);
  for (let at = list + 4; at < end; at += 4) {
    const id = load<u32>(at);
    const offset = (id >> 5) << 2;
    const bits = load<u32>(visited + offset);
    const isNew = ((bits >> (id & 31)) & 1) ^ 1;
    store<u32>(visited + offset, bits | (1 << (id & 31)));
    store<u32>(scratch + S_TOUCHED + (touched << 2), offset);
    store<u32>(ids + (count << 2), id);
    store<u32>(records + (count << 2), <u32>recordAt(index + IX_VECTORS, id));
    touched += isNew;
    count += isNew;
  }
  closeTouched(scratch, touched);
  return count;
}

/** Loads one word of each record, so that their cache misses overlap: WebAssembly has no prefetch. */
@inline function touchBatch(scratch: usize, count: u32): void {
  const records = scratch + S_BATCH_RECORDS;
  let sink: u32 = 0;
  for (let i: u32 = 0; i < count; i++) sink ^= load<u32>(<usize>load<u32>(records + (i << 2)), RECORD_HEADER_BYTES);
  store<u32>(scratch, sink, S_SINK);
}

/** Repeats the last record up to a whole group of four. */
@inline function padBatch(scratch: usize, count: u32): void {
  const at = scratch + S_BATCH_RECORDS + (count << 2);
  const last = load<u32>(at - 4);
  store<u32>(at, last);
  store<u32>(at, last, 4);
  store<u32>(at, last, 8);
}

/** Distances of four records of the batch, from position `i`. */
@inline export function batchDistances(scratch: usize, i: u32, kind: u32, query: usize, bytes: u32): v128 {
  const at = scratch + S_BATCH_RECORDS + (i << 2);
  return distances4(
    kind, query,
    <usize>load<u32>(at) + RECORD_HEADER_BYTES, <usize>load<u32>(at, 4) + RECORD_HEADER_BYTES,
    <usize>load<u32>(at, 8) + RECORD_HEADER_BYTES, <usize>load<u32>(at, 12) + RECORD_HEADER_BYTES, bytes,
  );
}

@inline function laneOf(values: v128, lane: u32): f32 {
  return lane == 0 ? f32x4.extract_lane(values, 0) : lane == 1 ? f32x4.extract_lane(values, 1)
    : lane == 2 ? f32x4.extract_lane(values, 2) : f32x4.extract_lane(values, 3);
}

/** Loads the ends of the list that will probably be read next, while distances are computed. */
@inline function touchNextList(scratch: usize, index: usize, cursor: u32): void {
  if (cursor >= poolCount(scratch)) return;
  const list = recordAt(index + IX_LINKS, load<u32>(scratch + S_POOL + (cursor << 3)) >> 2);
  store<u32>(scratch, load<u32>(list) ^ load<u32>(list + (load<u32>(index, IX_M0) << 2)), S_SINK);
}

/** Admits those of the batch that are near enough; returns the first pool position not expanded. */
@inline function admitBatch(scratch: usize, index: usize, count: u32, query: usize, ef: u32, stamp: u32, cursor: u32): u32 {
  const kind = load<u32>(index, IX_DISTANCE);
  const bytes = load<u32>(index, IX_VECTOR_BYTES);
  let boundDistance = poolBoundDistance(scratch);
  for (let i: u32 = 0; i < count; i += 4) {
    const four = batchDistances(scratch, i, kind, query, bytes);
    // A NaN distance compares false and is never taken.
    let mask = <u32>i32x4.bitmask(f32x4.le(four, f32x4.splat(boundDistance)));
    const left = count - i;
    if (left < 4) mask &= (1 << left) - 1;
    for (; mask != 0; mask &= mask - 1) {
      const lane = ctz(mask);
      const at = (i + lane) << 2;
      const key = keyOf(laneOf(four, lane), load<u32>(scratch + S_BATCH_IDS + at));
      if (key >= poolBound(scratch)) continue;
      const visible = isVisible(load<u32>(scratch + S_BATCH_RECORDS + at), stamp);
      cursor = min<u32>(cursor, admit(scratch, visible ? key : key | INVISIBLE, ef));
      boundDistance = poolBoundDistance(scratch);
    }
  }
  return cursor;
}

/**
 * Fills the pool with the nodes of `layer` nearest to `query`, starting from `entry`; ascending, `S_POOL_COUNT` of them. The visited
 * set must be clear, but for nodes to be passed over, and is left set.
 */
export function searchLayer(scratch: usize, index: usize, layer: u32, query: usize, entry: u32, ef: u32, stamp: u32): void {
  const pool = scratch + S_POOL;
  const record = recordAt(index + IX_VECTORS, entry);
  markVisited(scratch, entry);
  clearPool(scratch);
  const distance = distance1(load<u32>(index, IX_DISTANCE), query, record + RECORD_HEADER_BYTES, load<u32>(index, IX_VECTOR_BYTES));
  admit(scratch, keyOf(distance, entry) | (isVisible(record, stamp) ? 0 : INVISIBLE), ef);
  let cursor: u32 = 0;
  let computed: u32 = 1;
  while (cursor < poolCount(scratch)) {
    const at = pool + (cursor << 3);
    const low = load<u32>(at);
    cursor++;
    if (low & EXPANDED) continue;
    store<u32>(at, low | EXPANDED);
    const list = listAt(index, layer, low >> 2);
    const count: u32 = list == 0 ? 0 : gather(scratch, index, list);
    if (count == 0) continue;
    touchBatch(scratch, count);
    if (layer == 0) touchNextList(scratch, index, cursor);
    padBatch(scratch, count);
    computed += count;
    cursor = admitBatch(scratch, index, count, query, ef, stamp, cursor);
  }
  countDistances(scratch, computed);
}

/** Walks `layer` to the node nearest to `query` (a beam of one). */
export function descend(scratch: usize, index: usize, layer: u32, query: usize, entry: u32): u32 {
  const kind = load<u32>(index, IX_DISTANCE);
  const bytes = load<u32>(index, IX_VECTOR_BYTES);
  const vectors = index + IX_VECTORS;
  let best = keyOf(distance1(kind, query, recordAt(vectors, entry) + RECORD_HEADER_BYTES, bytes), entry);
  let computed: u32 = 1;
  for (;;) {
    const before = best;
    const list = listAt(index, layer, <u32>best >> 2);
    if (list == 0) break;
    const count = listCount(list);
    if (count == 0) break;
    for (let i: u32 = 0; i < count; i++) {
      const id = load<u32>(list + (i << 2), 4);
      store<u32>(scratch + S_BATCH_IDS + (i << 2), id);
      store<u32>(scratch + S_BATCH_RECORDS + (i << 2), <u32>recordAt(vectors, id));
    }
    touchBatch(scratch, count);
    padBatch(scratch, count);
    computed += count;
    for (let i: u32 = 0; i < count; i += 4) {
      const four = batchDistances(scratch, i, kind, query, bytes);
      const lanes = min<u32>(4, count - i);
      for (let lane: u32 = 0; lane < lanes; lane++) {
        best = min<u64>(best, keyOf(laneOf(four, lane), load<u32>(scratch + S_BATCH_IDS + ((i + lane) << 2))));
      }
    }
    if (best == before) break;
  }
  countDistances(scratch, computed);
  return <u32>best >> 2;
}

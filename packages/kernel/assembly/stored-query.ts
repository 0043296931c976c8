// A stored code taken as a query, where the vector itself is not kept: for walks to where it lies, and for distances between two stored vectors.
// Of two codes either may be the query, the estimate is the same but for rounding, so equal vectors have equal distances to every other.

import { recordAt } from './arena';
import { laneOf, locateBatch } from './batch';
import { topOf } from './code';
import { estimates4 } from './code-distance';
import { idOf, INVISIBLE, insertKey, keyOf } from './keys';
import {
  C_ADD, C_RESCALE, isVisible, IX_CENTRE_SQUARED, IX_CODE_BITS, IX_CODE_BYTES, IX_CODES, IX_DIM, IX_DISTANCE, IX_PUBLISHED, L2, RECORD_HEADER_BYTES,
} from './layout';
import {
  countDistances, S_BATCH_IDS, S_BATCH_RECORDS, S_PAIR_BIAS, S_PAIR_CODE, S_PAIR_SCALE, S_POOL, S_POOL_COUNT, S_QUERY_BIAS, S_QUERY_CODE,
  S_QUERY_SCALE, S_STORED_QUERY,
} from './scratch';

/** Writes the code at `record` to `target` as signed bytes, twice its levels about their middle, and how they are worth as a query. */
function writeQuery(scratch: usize, index: usize, record: usize, target: usize, scaleAt: usize, biasAt: usize): void {
  const bits = load<u32>(index, IX_CODE_BITS);
  const bytes = load<u32>(index, IX_CODE_BYTES);
  const dim = load<u32>(index, IX_DIM);
  const top = topOf(bits);
  const mask = i8x16.splat(<i8>top);
  const ones = i8x16.splat(1);
  let sums = i32x4.splat(0);
  let length: u32 = 0;
  for (let at: u32 = 0; at < bytes; at += 16) {
    const block = v128.load(record + at, RECORD_HEADER_BYTES);
    for (let shift: u32 = 0; shift < 8; shift += bits) {
      const levels = v128.and(i16x8.shr_u(block, shift), mask);
      // At 8 bits the sum wraps, and the difference wraps back: -127 to 127.
      const doubled = i8x16.sub(i8x16.add(levels, levels), mask);
      v128.store(target + length, doubled);
      sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(doubled, ones, sums);
      length += 16;
    }
  }
  // What pads the last block is level 0, which is no component.
  memory.fill(target + dim, 0, length - dim);
  const sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3)
    + <i32>top * <i32>(length - dim);
  store<f32>(scratch + scaleAt, -load<f32>(record, C_RESCALE) * (load<u32>(index, IX_DISTANCE) == L2 ? 0.25 : 0.5));
  store<f32>(scratch + biasAt, <f32>sum * -0.5 * <f32>top);
}

/** Makes the code of `id` the query that walks go by, unless the code of its whole vector is that already. */
export function takeStored(scratch: usize, index: usize, id: u32): void {
  const isThere = load<u32>(scratch, S_STORED_QUERY) == id + 1;
  store<u32>(scratch, 0, S_STORED_QUERY);
  if (!isThere) writeQuery(scratch, index, recordAt(index + IX_CODES, id), scratch + S_QUERY_CODE, S_QUERY_SCALE, S_QUERY_BIAS);
}

/** Makes the code of `id` the query of `storedEstimates`; returns what those leave out. */
export function takePair(scratch: usize, index: usize, id: u32): f32 {
  const record = recordAt(index + IX_CODES, id);
  writeQuery(scratch, index, record, scratch + S_PAIR_CODE, S_PAIR_SCALE, S_PAIR_BIAS);
  return load<f32>(record, C_ADD) + (load<u32>(index, IX_DISTANCE) == L2 ? 0 : load<f32>(index, IX_CENTRE_SQUARED));
}

/** Estimated distances of the code taken as a pair from those whose records four addresses at `at` name, without its own summand. */
@inline export function storedEstimates(scratch: usize, at: usize, bits: u32, bytes: u32): v128 {
  return estimates4(
    scratch + S_PAIR_CODE, load<f32>(scratch, S_PAIR_SCALE), load<f32>(scratch, S_PAIR_BIAS), bits, bytes,
    load<u32>(at), load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12));
}

/** Sorts the live ones of the batch's first `count` into `keys` by their estimated distance from `from`; returns their number. */
export function insertKeysByCodes(scratch: usize, index: usize, keys: usize, count: u32, from: u32): u32 {
  return sortByPair(scratch, index, keys, 0, count, takePair(scratch, index, from));
}

/** Inserts the batch into `found` ascending keys by distance from the code taken as a pair; returns how many there are then. */
function sortByPair(scratch: usize, index: usize, keys: usize, found: u32, count: u32, summand: f32): u32 {
  const bits = load<u32>(index, IX_CODE_BITS);
  const bytes = load<u32>(index, IX_CODE_BYTES);
  const stamp = load<u32>(index, IX_PUBLISHED) + 1;
  locateBatch(true, scratch, index, count);
  for (let i: u32 = 0; i < count; i += 4) {
    const four = storedEstimates(scratch, scratch + S_BATCH_RECORDS + (i << 2), bits, bytes);
    const lanes = min<u32>(4, count - i);
    for (let lane: u32 = 0; lane < lanes; lane++) {
      const at = (i + lane) << 2;
      const distance = laneOf(four, lane) + summand;
      if (isNaN(distance) || !isVisible(load<u32>(scratch + S_BATCH_RECORDS + at), stamp)) continue;
      const key = keyOf(distance, load<u32>(scratch + S_BATCH_IDS + at));
      insertKey(keys, found, key);
      found++;
    }
  }
  countDistances(scratch, count);
  return found;
}

/** Nodes of the pool that are measured together. */
const BATCH: u32 = 16;

/** Leaves in the pool its visible nodes by their distance from the stored code of `id`, ascending: distances that those between neighbours compare with. */
export function poolByStored(scratch: usize, index: usize, id: u32): void {
  const pool = scratch + S_POOL;
  const size = load<u32>(scratch, S_POOL_COUNT);
  const summand = takePair(scratch, index, id);
  let held: u32 = 0;
  let at: u32 = 0;
  while (at < size) {
    let batch: u32 = 0;
    for (; at < size && batch < BATCH; at++) {
      const key = load<u64>(pool + (at << 3));
      if (<u32>key & INVISIBLE) continue;
      store<u32>(scratch + S_BATCH_IDS + (batch << 2), idOf(key));
      batch++;
    }
    if (batch == 0) break;
    // The sorted front never grows past the nodes already read.
    held = sortByPair(scratch, index, pool, held, batch, summand);
  }
  store<u32>(scratch, held, S_POOL_COUNT);
}

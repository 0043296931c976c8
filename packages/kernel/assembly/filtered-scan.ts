// The scan of what a filter allows: estimates by codes and then exact distances of the best, or exact distances at once.

import { recordIn, recordBytesOf, shiftMaxOf } from './arena';
import { arenaOf, batchMeasures, bytesOf, measureOf } from './batch';
import { bitsOf, wordsOf } from './filter';
import { offer, sortHeap } from './flat';
import { isVisible, IX_HIGH_WATER } from './layout';
import { countDistances, S_BATCH_IDS, S_BATCH_RECORDS, S_POOL, S_POOL_COUNT } from './scratch';

/** Records whose cache misses overlap. */
const BATCH: u32 = 32;

/** Offers the batch to the heap in the pool's place; returns how many keys that holds. */
@inline function offerBatch(codes: bool, scratch: usize, batch: u32, measure: u32, query: usize, bytes: u32, held: u32, wanted: u32): u32 {
  const records = scratch + S_BATCH_RECORDS;
  const last = load<u32>(records + ((batch - 1) << 2));
  for (let i = batch; i < ((batch + 3) & ~3); i++) store<u32>(records + (i << 2), last);
  for (let i: u32 = 0; i < batch; i += 4) {
    held = offer(scratch, scratch + S_POOL, i, min<u32>(4, batch - i), batchMeasures(codes, scratch, i, measure, query, bytes), held, wanted);
  }
  return held;
}

@inline function scanBy(codes: bool, scratch: usize, index: usize, query: usize, filter: usize, wanted: u32, stamp: u32): void {
  const arena = arenaOf(codes, index);
  const recordBytes = recordBytesOf(arena);
  const shiftMax = shiftMaxOf(arena);
  const measure = measureOf(codes, index);
  const bytes = bytesOf(codes, index);
  const words = wordsOf(filter, index);
  const highWater = atomic.load<u32>(index, IX_HIGH_WATER);
  let batch: u32 = 0;
  let held: u32 = 0;
  let computed: u32 = 0;
  for (let word: u32 = 0; word < words; word++) {
    for (let bits = load<u32>(bitsOf(filter) + (word << 2)); bits != 0; bits &= bits - 1) {
      const id = (word << 5) + ctz(bits);
      if (id >= highWater) break;
      const record = recordIn(arena, recordBytes, shiftMax, id);
      store<u32>(scratch + S_BATCH_IDS + (batch << 2), id);
      store<u32>(scratch + S_BATCH_RECORDS + (batch << 2), <u32>record);
      batch += <u32>isVisible(record, stamp);
      if (batch < BATCH) continue;
      held = offerBatch(codes, scratch, batch, measure, query, bytes, held, wanted);
      computed += batch;
      batch = 0;
    }
  }
  if (batch > 0) held = offerBatch(codes, scratch, batch, measure, query, bytes, held, wanted);
  countDistances(scratch, computed + batch);
  sortHeap(scratch + S_POOL, held);
  store<u32>(scratch, held, S_POOL_COUNT);
}

/** Leaves in the pool the `wanted` nearest of the allowed, at full precision, ascending. */
export function scanAllowed(scratch: usize, index: usize, query: usize, filter: usize, wanted: u32, stamp: u32): void {
  scanBy(false, scratch, index, query, filter, wanted, stamp);
}

/** The same by estimate, for the query coded in the scratch. Every visible vector must have its code. */
export function scanAllowedCodes(scratch: usize, index: usize, filter: usize, wanted: u32, stamp: u32): void {
  scanBy(true, scratch, index, 0, filter, wanted, stamp);
}

// Scan of every code visible at the stamp: the best by estimate.

import { recordBytesOf, recordIn, shiftMaxOf } from './arena';
import { batchEstimates } from './batch';
import { offer, sortHeap } from './flat';
import { isVisible, IX_CODE_BITS, IX_CODE_BYTES, IX_CODES, IX_HIGH_WATER } from './layout';
import { countDistances, S_BATCH_IDS, S_BATCH_RECORDS, S_POOL, S_POOL_COUNT } from './scratch';

/** Leaves in the pool the `wanted` best for the query coded in the scratch, ascending. Every visible vector must have its code. */
export function scanCodes(scratch: usize, index: usize, wanted: u32, stamp: u32): void {
  const arena = index + IX_CODES;
  const recordBytes = recordBytesOf(arena);
  const shiftMax = shiftMaxOf(arena);
  const bits = load<u32>(index, IX_CODE_BITS);
  const bytes = load<u32>(index, IX_CODE_BYTES);
  const highWater = atomic.load<u32>(index, IX_HIGH_WATER);
  const records = scratch + S_BATCH_RECORDS;
  let batch: u32 = 0;
  let held: u32 = 0;
  let computed: u32 = 0;
  for (let id: u32 = 0; id < highWater; id++) {
    const record = recordIn(arena, recordBytes, shiftMax, id);
    if (!isVisible(record, stamp)) continue;
    store<u32>(scratch + S_BATCH_IDS + (batch << 2), id);
    store<u32>(records + (batch << 2), <u32>record);
    computed++;
    if (++batch < 4) continue;
    held = offer(scratch, scratch + S_POOL, 0, 4, batchEstimates(scratch, 0, bits, bytes), held, wanted);
    batch = 0;
  }
  if (batch > 0) {
    const last = load<u32>(records + ((batch - 1) << 2));
    for (let i = batch; i < 4; i++) store<u32>(records + (i << 2), last);
    held = offer(scratch, scratch + S_POOL, 0, batch, batchEstimates(scratch, 0, bits, bytes), held, wanted);
  }
  sortHeap(scratch + S_POOL, held);
  store<u32>(scratch, held, S_POOL_COUNT);
  countDistances(scratch, computed);
}

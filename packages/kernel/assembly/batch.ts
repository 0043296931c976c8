// The batch: the neighbours of one list that were not visited, with the addresses of their records in the arena that the traversal reads,
// vectors or codes. Distances are computed four at a time.

import { recordBytesOf, recordIn, shiftMaxOf } from './arena';
import { estimates4 } from './code-distance';
import { distances4 } from './distance';
import { IX_CODE_BITS, IX_CODE_BYTES, IX_CODES, IX_DISTANCE, IX_VECTOR_BYTES, IX_VECTORS, RECORD_HEADER_BYTES } from './layout';
import { listCount } from './links';
import { S_BATCH_IDS, S_BATCH_RECORDS, S_QUERY_BIAS, S_QUERY_CODE, S_QUERY_SCALE, S_SINK, S_TOUCHED, S_TOUCHED_COUNT, S_VISITED } from './scratch';
import { closeTouched } from './visited';

/** The arena a traversal reads. */
@inline export function arenaOf(codes: bool, index: usize): usize { return index + (codes ? IX_CODES : IX_VECTORS); }

/** Collects the unvisited neighbours of a list into the batch, marks them, and returns their number. */
@inline export function gather(scratch: usize, list: usize): u32 {
  const ids = scratch + S_BATCH_IDS;
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
    touched += isNew;
    count += isNew;
  }
  closeTouched(scratch, touched);
  return count;
}

/** Fills the batch with a whole list and returns its length. */
@inline export function gatherAll(scratch: usize, list: usize): u32 {
  const count = listCount(list);
  for (let i: u32 = 0; i < count; i++) store<u32>(scratch + S_BATCH_IDS + (i << 2), load<u32>(list + (i << 2), 4));
  return count;
}

/**
 * Addresses of the batch's records, the last repeated up to a whole group of four. Loads a word of each vector, so that their cache
 * misses overlap: WebAssembly has no prefetch. Codes are so short that the processor looks ahead to the next four by itself, and
 * touching them first costs more than it saves.
 */
@inline export function locateBatch(codes: bool, scratch: usize, index: usize, count: u32): void {
  const records = scratch + S_BATCH_RECORDS;
  const arena = arenaOf(codes, index);
  const recordBytes = recordBytesOf(arena);
  const shiftMax = shiftMaxOf(arena);
  let sink: u32 = 0;
  let record: usize = 0;
  for (let i: u32 = 0; i < count; i++) {
    record = recordIn(arena, recordBytes, shiftMax, load<u32>(scratch + S_BATCH_IDS + (i << 2)));
    store<u32>(records + (i << 2), <u32>record);
    if (!codes) sink ^= load<u32>(record, RECORD_HEADER_BYTES);
  }
  if (!codes) store<u32>(scratch, sink, S_SINK);
  const end = records + (count << 2);
  store<u32>(end, <u32>record);
  store<u32>(end, <u32>record, 4);
  store<u32>(end, <u32>record, 8);
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

/** Estimates for four code records of the batch, from position `i`. */
@inline export function batchEstimates(scratch: usize, i: u32, bits: u32, bytes: u32): v128 {
  const at = scratch + S_BATCH_RECORDS + (i << 2);
  return estimates4(
    scratch + S_QUERY_CODE, load<f32>(scratch, S_QUERY_SCALE), load<f32>(scratch, S_QUERY_BIAS), bits, bytes,
    load<u32>(at), load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12),
  );
}

/** What distances are computed by: bits of the codes, or the kind of distance. */
@inline export function measureOf(codes: bool, index: usize): u32 {
  return codes ? load<u32>(index, IX_CODE_BITS) : load<u32>(index, IX_DISTANCE);
}

/** Bytes a distance reads of a record. */
@inline export function bytesOf(codes: bool, index: usize): u32 {
  return codes ? load<u32>(index, IX_CODE_BYTES) : load<u32>(index, IX_VECTOR_BYTES);
}

/** Distances or estimates of four records of the batch, from position `i`. */
@inline export function batchMeasures(codes: bool, scratch: usize, i: u32, measure: u32, query: usize, bytes: u32): v128 {
  return codes ? batchEstimates(scratch, i, measure, bytes) : batchDistances(scratch, i, measure, query, bytes);
}

@inline export function laneOf(values: v128, lane: u32): f32 {
  return lane == 0 ? f32x4.extract_lane(values, 0) : lane == 1 ? f32x4.extract_lane(values, 1)
    : lane == 2 ? f32x4.extract_lane(values, 2) : f32x4.extract_lane(values, 3);
}

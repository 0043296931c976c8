// An arena holds the records of one kind for one index, in segments that never move: 16 records, then doubling up to
// SEGMENT_BYTES_MAX, then of equal size.
//
//   arena:      directory address u32 (a) | directory capacity u32 | segment count u32 | record bytes u32 | largest shift u32
//   directory:  16 bytes before it: older directory address u32; then one entry per segment
//
// With n = id + 16 a record lies in segment s(n) at entry[s] + n * recordBytes: the entry is biased by the first n of the segment,
// wrapping at 2^32. A directory that ran full is copied and swapped; the old one stays readable until the index is dropped.

import { allocate, free, spanBytes } from './allocator';
import { IX_MEMORY_BYTES } from './layout';
import { SEGMENT_BYTES_MAX } from './limits';

const A_DIRECTORY: usize = 0;
const A_CAPACITY: usize = 4;
const A_SEGMENTS: usize = 8;
const A_RECORD_BYTES: usize = 12;
const A_SHIFT_MAX: usize = 16;

const FIRST_SHIFT: u32 = 4;
const FIRST_RECORDS: u32 = 1 << FIRST_SHIFT;
const DIRECTORY_HEADER_BYTES: u32 = 16;
const DIRECTORY_CAPACITY_FIRST: u32 = 12;

export function initArena(arena: usize, recordBytes: u32): void {
  let shift = FIRST_SHIFT;
  while (recordBytes << (shift + 1) <= SEGMENT_BYTES_MAX) shift++;
  store<u32>(arena, recordBytes, A_RECORD_BYTES);
  store<u32>(arena, shift, A_SHIFT_MAX);
}

@inline export function recordBytesOf(arena: usize): u32 { return load<u32>(arena, A_RECORD_BYTES); }
@inline export function shiftMaxOf(arena: usize): u32 { return load<u32>(arena, A_SHIFT_MAX); }

/** Address of a record in an arena whose shape was read before; the directory is read each time, for a newer one may hold the id. */
@inline export function recordIn(arena: usize, recordBytes: u32, shiftMax: u32, id: u32): usize {
  const n = id + FIRST_RECORDS;
  const shift = min<u32>(31 - clz(n), shiftMax);
  const segment = shift - (FIRST_SHIFT + 1) + (n >> shift);
  return load<u32>(<usize>atomic.load<u32>(arena, A_DIRECTORY) + (segment << 2)) + n * recordBytes;
}

/** Address of a record. The record's segment must exist. */
@inline export function recordAt(arena: usize, id: u32): usize {
  return recordIn(arena, recordBytesOf(arena), shiftMaxOf(arena), id);
}

/** Records from `id` to the end of its segment, itself included. */
export function recordsToSegmentEnd(arena: usize, id: u32): u32 {
  const n = id + FIRST_RECORDS;
  const shift = min<u32>(31 - clz(n), shiftMaxOf(arena));
  return (((n >> shift) + 1) << shift) - n;
}

function firstOf(segment: u32, shiftMax: u32): u32 {
  const doubling = shiftMax - FIRST_SHIFT;
  return segment < doubling ? FIRST_RECORDS << segment : (segment - doubling + 1) << shiftMax;
}

export function takeSpan(index: usize, bytes: u32): usize {
  const span = allocate(bytes);
  if (span != 0) store<u32>(index, load<u32>(index, IX_MEMORY_BYTES) + spanBytes(span), IX_MEMORY_BYTES);
  return span;
}

function growDirectory(index: usize, arena: usize): bool {
  const old = load<u32>(arena, A_DIRECTORY);
  const oldCapacity = load<u32>(arena, A_CAPACITY);
  const capacity = oldCapacity == 0 ? DIRECTORY_CAPACITY_FIRST : oldCapacity * 2;
  const span = takeSpan(index, DIRECTORY_HEADER_BYTES + capacity * 4);
  if (span == 0) return false;
  store<u32>(span, old);
  const directory = span + DIRECTORY_HEADER_BYTES;
  for (let i: u32 = 0; i < oldCapacity; i++) store<u32>(directory + (i << 2), load<u32>(<usize>old + (i << 2)));
  store<u32>(arena, capacity, A_CAPACITY);
  atomic.store<u32>(arena, <u32>directory, A_DIRECTORY);
  return true;
}

/** Makes zeroed records exist for every id below `count`; false when memory ran out, with what was added kept for later. */
export function ensureRecords(index: usize, arena: usize, count: u32): bool {
  const recordBytes = load<u32>(arena, A_RECORD_BYTES);
  const shiftMax = load<u32>(arena, A_SHIFT_MAX);
  let segment = load<u32>(arena, A_SEGMENTS);
  while (firstOf(segment, shiftMax) - FIRST_RECORDS < count) {
    const first = firstOf(segment, shiftMax);
    if (segment == load<u32>(arena, A_CAPACITY) && !growDirectory(index, arena)) return false;
    const bytes = (firstOf(segment + 1, shiftMax) - first) * recordBytes;
    const span = takeSpan(index, bytes);
    if (span == 0) return false;
    memory.fill(span, 0, bytes);
    atomic.store<u32>(<usize>load<u32>(arena, A_DIRECTORY) + (segment << 2), <u32>span - first * recordBytes);
    store<u32>(arena, ++segment, A_SEGMENTS);
  }
  return true;
}

/** Releases every segment and directory. No reader may be left. */
export function freeArena(arena: usize): void {
  const recordBytes = load<u32>(arena, A_RECORD_BYTES);
  const shiftMax = load<u32>(arena, A_SHIFT_MAX);
  const segments = load<u32>(arena, A_SEGMENTS);
  let directory: usize = load<u32>(arena, A_DIRECTORY);
  for (let s: u32 = 0; s < segments; s++) {
    free(load<u32>(directory + (s << 2)) + firstOf(s, shiftMax) * recordBytes);
  }
  while (directory != 0) {
    const span = directory - DIRECTORY_HEADER_BYTES;
    directory = load<u32>(span);
    free(span);
  }
}

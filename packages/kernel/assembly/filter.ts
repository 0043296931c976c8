// A filter: the ids that may be answered. The host lays it out in shared memory for the time of the search.
//
//   words u32 | strategy u32, 0 = by cost | newest stamp u32 | 4 bytes | bits: `words` u32, id 0 in the lowest bit of the first
//
// The search sees the index as of the newest stamp where a later one is published by now: the ids of a later group are not in the bits.
//
// An id beyond the bits is not allowed. Whether an allowed id lives is for its record to say.

import { IX_HIGH_WATER } from './layout';

export const FILTER_HEADER_BYTES: u32 = 16;

/** How a search treats its filter, as answers report it. */
export const STRATEGY_NONE: u32 = 0;
/** Reads every allowed record. */
export const STRATEGY_SCAN: u32 = 1;
/** Walks from allowed id to allowed id, through the lists of ids that are not. */
export const STRATEGY_TWO_HOP: u32 = 2;
/** Walks everything and answers with what is allowed. */
export const STRATEGY_GATED: u32 = 3;

@inline export function strategyOf(filter: usize): u32 { return load<u32>(filter, 4); }
@inline export function newestStampOf(filter: usize): u32 { return load<u32>(filter, 8); }
@inline export function bitsOf(filter: usize): usize { return filter + FILTER_HEADER_BYTES; }

/** Words of the filter that can name an id of the index. */
export function wordsOf(filter: usize, index: usize): u32 {
  return min<u32>(load<u32>(filter), (atomic.load<u32>(index, IX_HIGH_WATER) + 31) >> 5);
}

@inline export function isAllowed(bits: usize, words: u32, id: u32): bool {
  const word = id >> 5;
  return word < words && ((load<u32>(bits + (word << 2)) >> (id & 31)) & 1) != 0;
}

/** Ids that the first `words` words allow. */
export function countAllowed(bits: usize, words: u32): u32 {
  let count: u32 = 0;
  let at = bits;
  const whole = bits + ((words & ~1) << 2);
  for (; at < whole; at += 8) count += <u32>popcnt<u64>(load<u64>(at));
  if (words & 1) count += <u32>popcnt<u32>(load<u32>(at));
  return count;
}

/** Writes up to `wanted` allowed ids, evenly spread over the words, to `ids` and returns their number. */
export function sampleAllowed(bits: usize, words: u32, wanted: u32, ids: usize): u32 {
  let count: u32 = 0;
  let next: u32 = 0;
  for (let i: u32 = 0; i < wanted; i++) {
    const end = <u32>(<u64>(i + 1) * <u64>words / <u64>wanted);
    let word = max<u32>(next, <u32>(<u64>i * <u64>words / <u64>wanted));
    while (word < end && load<u32>(bits + (word << 2)) == 0) word++;
    if (word >= end) continue;
    // The lowest of one word and the highest of the next, so that no rhythm of the ids decides the sample.
    const value = load<u32>(bits + (word << 2));
    store<u32>(ids + (count << 2), (word << 5) + (i & 1 ? 31 - clz<u32>(value) : ctz<u32>(value)));
    count++;
    next = word + 1;
  }
  return count;
}

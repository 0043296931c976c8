// Two-level segregated fit (Masmano et al., "TLSF: a new dynamic memory allocator for real-time systems", 2004): allocation
// and release in constant time with immediate coalescing. Only the writer calls it.
//
//   block:  previous block address u32 | payload bytes u32, bit 0 = free | payload (16-aligned, 16n + 8 bytes)
//   a free block's payload starts with: next free block u32 | previous free block u32
//
// The heap ends with a used block of no payload, which growth turns into the header of the new space.

import {
  E_FIRST_BITMAP, E_HEADS, E_HEAP_END, E_PAGE_LIMIT, E_SECOND_BITMAPS, E_USED_BYTES, HEAP_START, PAGE_BYTES,
} from './engine';

const HEADER_BYTES: u32 = 8;
const PAYLOAD_BYTES_MIN: u32 = 24;
const FREE: u32 = 1;
const GROW_PAGES: u32 = 16;

@inline function sizeOf(block: usize): u32 { return load<u32>(block, 4) & ~FREE; }
@inline function isFree(block: usize): bool { return (load<u32>(block, 4) & FREE) != 0; }
@inline function nextOf(block: usize): usize { return block + HEADER_BYTES + sizeOf(block); }

@inline function firstLevel(bytes: u32): u32 { return 31 - clz(bytes); }
@inline function secondLevel(bytes: u32, first: u32): u32 { return (bytes >> (first - 4)) & 15; }
@inline function headAddress(first: u32, second: u32): usize { return E_HEADS + (((first << 4) | second) << 2); }

function pushFree(block: usize): void {
  const bytes = sizeOf(block);
  const first = firstLevel(bytes);
  const second = secondLevel(bytes, first);
  const head = headAddress(first, second);
  const next = load<u32>(head);
  store<u32>(block, bytes | FREE, 4);
  store<u32>(block, next, 8);
  store<u32>(block, 0, 12);
  if (next != 0) store<u32>(next, <u32>block, 12);
  store<u32>(head, <u32>block);
  store<u32>(E_FIRST_BITMAP, load<u32>(E_FIRST_BITMAP) | (1 << first));
  const bitmap = E_SECOND_BITMAPS + (first << 2);
  store<u32>(bitmap, load<u32>(bitmap) | (1 << second));
}

function unlinkFree(block: usize): void {
  const bytes = sizeOf(block);
  const first = firstLevel(bytes);
  const second = secondLevel(bytes, first);
  const next = load<u32>(block, 8);
  const previous = load<u32>(block, 12);
  if (next != 0) store<u32>(next, previous, 12);
  if (previous != 0) {
    store<u32>(previous, next, 8);
  } else {
    store<u32>(headAddress(first, second), next);
    if (next == 0) {
      const bitmap = E_SECOND_BITMAPS + (first << 2);
      const remaining = load<u32>(bitmap) & ~(<u32>1 << second);
      store<u32>(bitmap, remaining);
      if (remaining == 0) store<u32>(E_FIRST_BITMAP, load<u32>(E_FIRST_BITMAP) & ~(<u32>1 << first));
    }
  }
  store<u32>(block, bytes, 4);
}

/** The smallest class whose every block holds `bytes`; 0 where no such block is free. */
function findFree(bytes: u32): usize {
  let first = firstLevel(bytes);
  let second = secondLevel(bytes, first);
  let seconds = load<u32>(E_SECOND_BITMAPS + (first << 2)) & (~<u32>0 << second);
  if (seconds == 0) {
    const firsts = first == 31 ? 0 : load<u32>(E_FIRST_BITMAP) & (~<u32>0 << (first + 1));
    if (firsts == 0) return 0;
    first = ctz(firsts);
    seconds = load<u32>(E_SECOND_BITMAPS + (first << 2));
  }
  second = ctz(seconds);
  return load<u32>(headAddress(first, second));
}

function release(block: usize): void {
  let merged = block;
  const previous = load<u32>(block);
  if (previous != 0 && isFree(previous)) {
    unlinkFree(previous);
    store<u32>(previous, sizeOf(previous) + HEADER_BYTES + sizeOf(block), 4);
    merged = previous;
  }
  const next = nextOf(merged);
  if (isFree(next)) {
    unlinkFree(next);
    store<u32>(merged, sizeOf(merged) + HEADER_BYTES + sizeOf(next), 4);
  }
  store<u32>(nextOf(merged), <u32>merged);
  pushFree(merged);
}

function grow(bytes: u32): bool {
  const limit = load<u32>(E_PAGE_LIMIT);
  const size = <u32>memory.size();
  const room = limit > size ? limit - size : 0;
  const needed = (bytes + 2 * HEADER_BYTES + PAGE_BYTES - 1) / PAGE_BYTES;
  if (needed > room) return false;
  const pages = min<u32>(max<u32>(needed, GROW_PAGES), room);
  if (memory.grow(pages) < 0) return false;
  const block: usize = load<u32>(E_HEAP_END) - HEADER_BYTES;
  const end: u32 = load<u32>(E_HEAP_END) + pages * PAGE_BYTES;
  store<u32>(block, end - <u32>block - 2 * HEADER_BYTES, 4);
  store<u32>(end - HEADER_BYTES, <u32>block);
  store<u32>(end - HEADER_BYTES, 0, 4);
  store<u32>(E_HEAP_END, end);
  release(block);
  return true;
}

export function initHeap(pageLimit: u32): void {
  const end: u32 = <u32>memory.size() * PAGE_BYTES;
  store<u32>(E_PAGE_LIMIT, pageLimit);
  store<u32>(E_HEAP_END, end);
  const block: usize = HEAP_START + HEADER_BYTES;
  store<u32>(block, 0);
  store<u32>(block, end - <u32>block - 2 * HEADER_BYTES, 4);
  store<u32>(end - HEADER_BYTES, <u32>block);
  store<u32>(end - HEADER_BYTES, 0, 4);
  pushFree(block);
}

/** A 16-aligned span of at least `bytes` bytes, its content undefined; 0 when the memory limit is reached. */
export function allocate(bytes: u32): usize {
  if (bytes > 0xf0000000) return 0;
  const wanted = max<u32>(PAYLOAD_BYTES_MIN, ((bytes + 7) & ~15) + 8);
  const rounded = wanted + (<u32>1 << (firstLevel(wanted) - 4)) - 1;
  let block = findFree(rounded);
  if (block == 0) {
    if (!grow(rounded)) return 0;
    block = findFree(rounded);
    if (block == 0) return 0;
  }
  unlinkFree(block);
  const spare = sizeOf(block) - wanted;
  if (spare >= HEADER_BYTES + PAYLOAD_BYTES_MIN) {
    store<u32>(block, wanted, 4);
    const rest = nextOf(block);
    store<u32>(rest, <u32>block);
    store<u32>(rest, spare - HEADER_BYTES, 4);
    store<u32>(nextOf(rest), <u32>rest);
    pushFree(rest);
  }
  store<u32>(E_USED_BYTES, load<u32>(E_USED_BYTES) + sizeOf(block) + HEADER_BYTES);
  return block + HEADER_BYTES;
}

/** Bytes a span takes, its header included. */
export function spanBytes(span: usize): u32 {
  return sizeOf(span - HEADER_BYTES) + HEADER_BYTES;
}

export function free(span: usize): void {
  store<u32>(E_USED_BYTES, load<u32>(E_USED_BYTES) - spanBytes(span));
  release(span - HEADER_BYTES);
}

// Neighbour lists: count u32 (a), then ids u32. Layer 0 holds up to 2m in the link arena; each higher layer up to m in the vector's
// upper block. Entries are written before the count, and a list in use is never emptied.

import { recordAt, takeSpan } from './arena';
import { free } from './allocator';
import {
  IX_LINKS, IX_M, IX_M0, IX_SEED, IX_UPPER_CHUNK, IX_UPPER_END, IX_UPPER_NEXT_BYTES, IX_UPPER_USED, IX_VECTORS, R_UPPER,
} from './layout';
import { layerOf } from './layers';

const CHUNK_HEADER_BYTES: u32 = 16;
const CHUNK_BYTES_FIRST: u32 = 512;
const CHUNK_BYTES_MAX: u32 = 65536;

/** Address of the list of `id` at `layer`; 0 where the vector has none there. */
@inline export function listAt(index: usize, layer: u32, id: u32): usize {
  if (layer == 0) return recordAt(index + IX_LINKS, id);
  const upper: usize = load<u32>(recordAt(index + IX_VECTORS, id), R_UPPER);
  return upper == 0 ? 0 : upper + (layer - 1) * ((load<u32>(index, IX_M) + 1) << 2);
}

@inline export function listCapacity(index: usize, layer: u32): u32 {
  return layer == 0 ? load<u32>(index, IX_M0) : load<u32>(index, IX_M);
}

@inline export function listCount(list: usize): u32 { return atomic.load<u32>(list); }
@inline export function listId(list: usize, i: u32): u32 { return load<u32>(list + (i << 2), 4); }

/** Position of `id` in the list, or -1. */
export function findInList(list: usize, id: u32): i32 {
  const count = listCount(list);
  for (let i: u32 = 0; i < count; i++) if (listId(list, i) == id) return <i32>i;
  return -1;
}

@inline export function setListId(list: usize, i: u32, id: u32): void { atomic.store<u32>(list + (i << 2), id, 4); }
@inline export function setListCount(list: usize, count: u32): void { atomic.store<u32>(list, count); }

/** Replaces the whole list: entries first, count last; a reader in between sees old and new ids mixed, all of them valid. */
export function writeList(list: usize, ids: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) setListId(list, i, load<u32>(ids + (i << 2)));
  setListCount(list, count);
}

/** Gives `id` its zeroed upper block if its layer needs one; false when memory ran out. */
export function ensureUpper(index: usize, id: u32): bool {
  const m = load<u32>(index, IX_M);
  const layer = layerOf(load<u32>(index, IX_SEED), id, m);
  if (layer == 0) return true;
  const record = recordAt(index + IX_VECTORS, id);
  if (load<u32>(record, R_UPPER) != 0) return true;
  const bytes = layer * ((m + 1) << 2);
  if (load<u32>(index, IX_UPPER_END) - load<u32>(index, IX_UPPER_USED) < bytes && !addChunk(index, bytes)) return false;
  const block = load<u32>(index, IX_UPPER_USED);
  store<u32>(index, block + bytes, IX_UPPER_USED);
  memory.fill(block, 0, bytes);
  atomic.store<u32>(record, block, R_UPPER);
  return true;
}

function addChunk(index: usize, bytesMin: u32): bool {
  const next = max<u32>(CHUNK_BYTES_FIRST, load<u32>(index, IX_UPPER_NEXT_BYTES));
  const bytes = max<u32>(next, bytesMin + CHUNK_HEADER_BYTES);
  const chunk = takeSpan(index, bytes);
  if (chunk == 0) return false;
  store<u32>(chunk, load<u32>(index, IX_UPPER_CHUNK));
  store<u32>(index, <u32>chunk, IX_UPPER_CHUNK);
  store<u32>(index, <u32>chunk + CHUNK_HEADER_BYTES, IX_UPPER_USED);
  store<u32>(index, <u32>chunk + bytes, IX_UPPER_END);
  store<u32>(index, min<u32>(next * 2, CHUNK_BYTES_MAX), IX_UPPER_NEXT_BYTES);
  return true;
}

export function freeUpper(index: usize): void {
  let chunk: usize = load<u32>(index, IX_UPPER_CHUNK);
  while (chunk != 0) {
    const next: usize = load<u32>(chunk);
    free(chunk);
    chunk = next;
  }
}

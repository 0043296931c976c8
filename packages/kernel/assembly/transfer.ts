// Moving an index out of the memory and into a fresh one. The host moves bytes: whole records of the arenas, in their order, and the
// blocks of the upper layers. Here is what it needs to know of where they lie, and what makes bytes from elsewhere safe: nothing that
// came in is used as an address, and every id, count and layer is checked before a walk may follow it.

import { ensureRecords, recordAt, recordBytesOf, recordsToSegmentEnd } from './arena';
import { ensureCentre } from './centre';
import { normOf } from './distance';
import { entryId, entryLayer, setEntry } from './entry';
import {
  IX_CENTRE, IX_CENTRE_SQUARED, IX_CODE_BITS, IX_CODES, IX_DEAD, IX_DIM, IX_ENTRY, IX_GRAPH_READY, IX_GRAPH_RESERVED, IX_GRAPH_STARTED,
  IX_HIGH_WATER, IX_LINK_CURSOR, IX_LINKED_LIVE, IX_LINKS, IX_LIVE, IX_LIVE_AT, IX_M, IX_M0, IX_PUBLISHED, IX_SEED, IX_VECTORS, NEVER,
  NO_ENTRY, R_BORN, R_DIED, R_UPPER,
} from './layout';
import { layerOf } from './layers';
import { MAX_VECTORS } from './limits';
import { ensureUpper, listAt, listCount, listId, setListCount, setListId } from './links';

/** Kinds of records, as the host names them. */
const VECTORS: u32 = 0;
const CODES: u32 = 1;

@inline function arenaOf(index: usize, kind: u32): usize {
  return index + (kind == VECTORS ? IX_VECTORS : kind == CODES ? IX_CODES : IX_LINKS);
}

export function recordAddress(index: usize, kind: u32, id: u32): usize { return recordAt(arenaOf(index, kind), id); }
export function recordBytes(index: usize, kind: u32): u32 { return recordBytesOf(arenaOf(index, kind)); }

/** Records from `id` on that lie one after another. */
export function recordRun(index: usize, kind: u32, id: u32): u32 { return recordsToSegmentEnd(arenaOf(index, kind), id); }

export function highWater(index: usize): u32 { return load<u32>(index, IX_HIGH_WATER); }
export function entryWord(index: usize): u32 { return load<u32>(index, IX_ENTRY); }
export function centreAddress(index: usize): usize { return load<u32>(index, IX_CENTRE); }

@inline function blockBytes(index: usize, id: u32): u32 {
  const m = load<u32>(index, IX_M);
  return layerOf(load<u32>(index, IX_SEED), id, m) * ((m + 1) << 2);
}

/** How many ids from `from` on, up to `count`, have upper blocks of at most `capacity` bytes together. */
export function upperRun(index: usize, from: u32, count: u32, capacity: u32): u32 {
  let bytes: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    bytes += blockBytes(index, from + i);
    if (bytes > capacity) return i;
  }
  return count;
}

/** Bytes of the upper blocks of `count` ids. */
export function upperBytes(index: usize, from: u32, count: u32): u32 {
  let bytes: u32 = 0;
  for (let id = from; id < from + count; id++) bytes += blockBytes(index, id);
  return bytes;
}

/** Copies the upper blocks of `count` ids one after another to `target`, zeros where an id has none yet; returns their bytes. */
export function exportUpper(index: usize, from: u32, count: u32, target: usize): u32 {
  let at = target;
  for (let id = from; id < from + count; id++) {
    const bytes = blockBytes(index, id);
    if (bytes == 0) continue;
    const block = <usize>load<u32>(recordAt(index + IX_VECTORS, id), R_UPPER);
    if (block == 0) memory.fill(at, 0, bytes);
    else memory.copy(at, block, bytes);
    at += bytes;
  }
  return <u32>(at - target);
}

/** Memory for the records of `count` ids in an index that was just created; 0 when it ran out. */
export function importBegin(index: usize, count: u32): u32 {
  if (load<u32>(index, IX_HIGH_WATER) != 0 || count > MAX_VECTORS) return 0;
  if (!ensureRecords(index, index + IX_VECTORS, count) || !ensureRecords(index, index + IX_LINKS, count)) return 0;
  if (load<u32>(index, IX_CODE_BITS) == 0) return 1;
  return ensureRecords(index, index + IX_CODES, count) && ensureCentre(index) ? 1 : 0;
}

/** Takes in vector records whose bytes are in place: stamps start anew, and upper blocks are given; 0 when memory ran out. */
export function importVectors(index: usize, from: u32, count: u32): u32 {
  for (let id = from; id < from + count; id++) {
    const record = recordAt(index + IX_VECTORS, id);
    const died = load<u32>(record, R_DIED);
    store<u32>(record, died == 0 ? 0 : 1, R_BORN);
    if (died == NEVER) store<u32>(index, load<u32>(index, IX_LIVE) + 1, IX_LIVE);
    else if (died != 0) {
      store<u32>(record, 1, R_DIED);
      store<u32>(index, load<u32>(index, IX_DEAD) + 1, IX_DEAD);
    }
    store<u32>(record, 0, R_UPPER);
    if (!ensureUpper(index, id)) return 0;
  }
  return 1;
}

/** Takes in code records whose bytes are in place, after the vectors. */
export function importCodes(index: usize, from: u32, count: u32): void {
  for (let id = from; id < from + count; id++) {
    const record = recordAt(index + IX_VECTORS, id);
    const code = recordAt(index + IX_CODES, id);
    store<u32>(code, load<u32>(record, R_BORN), R_BORN);
    store<u32>(code, load<u32>(record, R_DIED), R_DIED);
  }
}

/** Whether an edge at `layer` may lead to `id`. An id that was never put is safe to pass through, and looking it up would miss the caches. */
@inline function isTarget(index: usize, idCount: u32, layer: u32, id: u32): bool {
  if (id >= idCount) return false;
  return layer == 0 || layerOf(load<u32>(index, IX_SEED), id, load<u32>(index, IX_M)) >= layer;
}

/** Leaves out what no edge may lead to; false where the list is longer than one can be. */
function cleanList(index: usize, list: usize, idCount: u32, layer: u32, capacity: u32): bool {
  const count = listCount(list);
  if (count > capacity) return false;
  let kept: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const id = listId(list, i);
    if (isTarget(index, idCount, layer, id)) setListId(list, kept++, id);
  }
  setListCount(list, kept);
  return true;
}

/** Takes in lists of layer 0 whose bytes are in place, after all vectors; 0 where one is no list. `idCount` is the number of all records. */
export function importLinks(index: usize, from: u32, count: u32, idCount: u32): u32 {
  const capacity = load<u32>(index, IX_M0);
  for (let id = from; id < from + count; id++) {
    if (!cleanList(index, listAt(index, 0, id), idCount, 0, capacity)) return 0;
  }
  return 1;
}

/** Takes in the upper blocks of `count` ids that lie one after another at `source`, after all vectors; 0 where a list is none. */
export function importUpper(index: usize, from: u32, count: u32, source: usize, idCount: u32): u32 {
  const m = load<u32>(index, IX_M);
  let at = source;
  for (let id = from; id < from + count; id++) {
    const bytes = blockBytes(index, id);
    if (bytes == 0) continue;
    memory.copy(<usize>load<u32>(recordAt(index + IX_VECTORS, id), R_UPPER), at, bytes);
    at += bytes;
    const layers = bytes / ((m + 1) << 2);
    for (let layer: u32 = 1; layer <= layers; layer++) {
      if (!cleanList(index, listAt(index, layer, id), idCount, layer, m)) return 0;
    }
  }
  return 1;
}

/** Puts the entry point where it was, or, if nothing lives there, on the highest live vector. */
function placeEntry(index: usize, idCount: u32, word: u32): void {
  const vectors = index + IX_VECTORS;
  const seed = load<u32>(index, IX_SEED);
  const m = load<u32>(index, IX_M);
  const wanted = entryId(word);
  if (word != NO_ENTRY && wanted < idCount && load<u32>(recordAt(vectors, wanted), R_DIED) == NEVER && entryLayer(word) <= layerOf(seed, wanted, m)) {
    setEntry(index, entryLayer(word), wanted);
    return;
  }
  let best = NO_ENTRY;
  let bestLayer: u32 = 0;
  for (let id: u32 = 0; id < idCount; id++) {
    if (load<u32>(recordAt(vectors, id), R_DIED) != NEVER) continue;
    const layer = layerOf(seed, id, m);
    if (best != NO_ENTRY && layer <= bestLayer) continue;
    best = id;
    bestLayer = layer;
  }
  if (best != NO_ENTRY) setEntry(index, bestLayer, best);
}

/** Makes what was taken in an index that can be searched and written. `word` is the entry point as it was. */
export function importEnd(index: usize, idCount: u32, word: u32): void {
  const live = load<u32>(index, IX_LIVE);
  if (load<u32>(index, IX_CODE_BITS) != 0) {
    const length = normOf(<usize>load<u32>(index, IX_CENTRE), load<u32>(index, IX_DIM));
    store<f32>(index, <f32>(length * length), IX_CENTRE_SQUARED);
  }
  placeEntry(index, idCount, word);
  store<u32>(index, idCount, IX_LINK_CURSOR);
  store<u32>(index, live, IX_LINKED_LIVE);
  store<u32>(index, 1, IX_GRAPH_STARTED);
  store<u32>(index, 1, IX_GRAPH_RESERVED);
  store<u32>(index, live, IX_LIVE_AT);
  atomic.store<u32>(index, idCount, IX_HIGH_WATER);
  atomic.store<u32>(index, 1, IX_GRAPH_READY);
  atomic.store<u32>(index, 2, IX_PUBLISHED);
}

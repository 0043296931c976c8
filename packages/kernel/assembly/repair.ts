// Taking a removed vector out of the graph. Its in-neighbours are found in its own out-list and by a small search for its vector;
// each loses the edge and gains up to REPAIR_EDGES_MAX edges to the nearest of the removed vector's surroundings, which also
// inherit its own edges (IP-DiskANN, arXiv 2502.13826). The removed vector keeps its list, so that readers on it can go on.

import { recordAt } from './arena';
import { searchLayer } from './beam';
import { codeQuery, hasCodes } from './code';
import { takeStored } from './stored-query';
import { descend } from './descent';
import { entryId, entryLayer, entryOf, replaceEntry } from './entry';
import { keepInEdge } from './in-edges';
import { idOf, INVISIBLE } from './keys';
import {
  isCodesOnly, isVisible, IX_LINKED_LIVE, IX_M, IX_PUBLISHED, IX_SEED, IX_VECTORS, NO_ENTRY, RECORD_HEADER_BYTES,
} from './layout';
import { layerOf } from './layers';
import { REPAIR_EDGES_MAX, REPAIR_EF_BASE, REPAIR_EF_UPPER } from './limits';
import { addLink, insertKeys } from './link';
import { findInList, listAt, listCapacity, listCount, listId, setListCount, setListId } from './links';
import { S_BATCH_IDS, S_NEAR_KEYS, S_POOL, S_POOL_COUNT, S_REPLACEMENT_COUNT, S_REPLACEMENTS } from './scratch';
import { clearVisited } from './visited';

/** Nearest live vectors offered as replacements. */
const REPLACEMENTS_MAX: u32 = 16;

export function unlink(scratch: usize, index: usize, id: u32): void {
  replaceEntry(index, id);
  const entry = entryOf(index);
  if (load<u32>(index, IX_LINKED_LIVE) == 0 || entry == NO_ENTRY || entryId(entry) == id) return;
  const layer = layerOf(load<u32>(index, IX_SEED), id, load<u32>(index, IX_M));
  const query = recordAt(index + IX_VECTORS, id) + RECORD_HEADER_BYTES;
  const top = entryLayer(entry);
  const codes = hasCodes(index);
  if (isCodesOnly(index)) takeStored(scratch, index, id);
  else if (codes) codeQuery(scratch, index, query);
  let current = descend(codes, scratch, index, top, layer, query, entryId(entry));
  for (let l = <i32>min<u32>(layer, top); l >= 0; l--) {
    const ef = l == 0 ? REPAIR_EF_BASE : REPAIR_EF_UPPER;
    searchLayer(codes, scratch, index, l, query, current, ef, load<u32>(index, IX_PUBLISHED) + 1);
    clearVisited(scratch);
    current = idOf(load<u64>(scratch + S_POOL));
    collectReplacements(scratch);
    unlinkAt(scratch, index, l, id);
  }
}

/** The live vectors nearest to the removed one. */
function collectReplacements(scratch: usize): void {
  const ids = scratch + S_REPLACEMENTS;
  const pool = scratch + S_POOL;
  const found = load<u32>(scratch, S_POOL_COUNT);
  let count: u32 = 0;
  for (let i: u32 = 0; i < found && count < REPLACEMENTS_MAX; i++) {
    const key = load<u64>(pool + (i << 3));
    if (<u32>key & INVISIBLE) continue;
    store<u32>(ids + (count << 2), idOf(key));
    count++;
  }
  store<u32>(scratch, count, S_REPLACEMENT_COUNT);
}

function unlinkAt(scratch: usize, index: usize, layer: u32, id: u32): void {
  const list = listAt(index, layer, id);
  const own = listCount(list);
  for (let i: u32 = 0; i < own; i++) removeLink(scratch, index, layer, listId(list, i), id);
  const pool = scratch + S_POOL;
  const found = load<u32>(scratch, S_POOL_COUNT);
  for (let i: u32 = 0; i < found; i++) removeLink(scratch, index, layer, idOf(load<u64>(pool + (i << 3))), id);
  for (let i: u32 = 0; i < own; i++) inheritLink(scratch, index, layer, listId(list, i));
}

/** Hands the removed vector's edge to `target` on to the replacements nearest to it, so that distant clusters stay joined. */
function inheritLink(scratch: usize, index: usize, layer: u32, target: u32): void {
  if (!isVisible(recordAt(index + IX_VECTORS, target), load<u32>(index, IX_PUBLISHED) + 1)) return;
  const near = rankReplacements(scratch, index, target);
  const heirs = min<u32>(near, REPAIR_EDGES_MAX);
  for (let i: u32 = 0; i < heirs; i++) {
    const heir = idOf(load<u64>(scratch + S_NEAR_KEYS + (i << 3)));
    // Only the first heir's list is worth choosing anew when it is full.
    if (i == 0 || listCount(listAt(index, layer, heir)) < listCapacity(index, layer)) addLink(scratch, index, layer, heir, target);
  }
  if (layer == 0) keepInEdge(scratch, index, target);
}

/** Sorts the replacements by their distance from `from` into S_NEAR_KEYS and returns their number. */
function rankReplacements(scratch: usize, index: usize, from: u32): u32 {
  const offered = load<u32>(scratch, S_REPLACEMENT_COUNT);
  let count: u32 = 0;
  for (let i: u32 = 0; i < offered; i++) {
    const other = load<u32>(scratch + S_REPLACEMENTS + (i << 2));
    store<u32>(scratch + S_BATCH_IDS + (count << 2), other);
    count += <u32>(other != from);
  }
  return count == 0 ? 0 : insertKeys(scratch, index, scratch + S_NEAR_KEYS, count, from);
}

/** Removes the edge `from` -> `id`, if there is one, and gives `from` replacements. */
function removeLink(scratch: usize, index: usize, layer: u32, from: u32, id: u32): void {
  if (from == id) return;
  const list = listAt(index, layer, from);
  if (list == 0) return;
  const position = findInList(list, id);
  if (position < 0) return;
  const keys = scratch + S_NEAR_KEYS;
  const near = rankReplacements(scratch, index, from);
  let gained: u32 = 0;
  for (let i: u32 = 0; i < near && gained < REPAIR_EDGES_MAX; i++) {
    const other = idOf(load<u64>(keys + (i << 3)));
    if (findInList(list, other) >= 0) continue;
    if (gained == 0) setListId(list, position, other);
    else addLink(scratch, index, layer, from, other);
    gained++;
  }
  if (gained != 0) return;
  const last = listCount(list) - 1;
  setListId(list, position, listId(list, last));
  setListCount(list, last);
}

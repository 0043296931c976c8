// Taking a removed vector out of the graph. Its in-neighbours are found in its own out-list and by a small search for its vector;
// each loses the edge and gains up to REPAIR_EDGES_MAX edges to the nearest of the removed vector's surroundings (IP-DiskANN,
// arXiv 2502.13826). The removed vector keeps its own list, so that readers standing on it can go on.

import { recordAt } from './arena';
import { descend, searchLayer } from './beam';
import { entryId, entryLayer, entryOf, replaceEntry } from './entry';
import { idOf, INVISIBLE } from './keys';
import {
  isVisible, IX_LINKED_LIVE, IX_M, IX_PUBLISHED, IX_SEED, IX_VECTORS, NO_ENTRY, RECORD_HEADER_BYTES,
} from './layout';
import { layerOf } from './layers';
import { REPAIR_EDGES_MAX, REPAIR_EF_BASE, REPAIR_EF_UPPER } from './limits';
import { addLink, insertKey } from './link';
import { findInList, listAt, listCount, listId, setListCount, setListId } from './links';
import { S_NEAR_KEYS, S_POOL, S_POOL_COUNT, S_REPLACEMENT_COUNT, S_REPLACEMENTS } from './scratch';
import { clearVisited } from './visited';

/** Pool entries offered as replacements beside the removed vector's own neighbours. */
const POOL_REPLACEMENTS_MAX: u32 = 8;

export function unlink(scratch: usize, index: usize, id: u32): void {
  replaceEntry(index, id);
  const entry = entryOf(index);
  if (load<u32>(index, IX_LINKED_LIVE) == 0 || entry == NO_ENTRY || entryId(entry) == id) return;
  const layer = layerOf(load<u32>(index, IX_SEED), id, load<u32>(index, IX_M));
  const query = recordAt(index + IX_VECTORS, id) + RECORD_HEADER_BYTES;
  const top = entryLayer(entry);
  let current = entryId(entry);
  for (let l = top; l > layer; l--) current = descend(scratch, index, l, query, current);
  for (let l = <i32>min<u32>(layer, top); l >= 0; l--) {
    searchLayer(scratch, index, l, query, current, l == 0 ? REPAIR_EF_BASE : REPAIR_EF_UPPER, load<u32>(index, IX_PUBLISHED) + 1);
    clearVisited(scratch);
    current = idOf(load<u64>(scratch + S_POOL));
    collectReplacements(scratch, index, l, id);
    unlinkAt(scratch, index, l, id);
  }
}

function collectReplacements(scratch: usize, index: usize, layer: u32, id: u32): void {
  const list = listAt(index, layer, id);
  const ids = scratch + S_REPLACEMENTS;
  const stamp = load<u32>(index, IX_PUBLISHED) + 1;
  let count: u32 = 0;
  const own = listCount(list);
  for (let i: u32 = 0; i < own; i++) {
    const neighbour = listId(list, i);
    if (!isVisible(recordAt(index + IX_VECTORS, neighbour), stamp)) continue;
    store<u32>(ids + (count << 2), neighbour);
    count++;
  }
  const pool = scratch + S_POOL;
  const near = min<u32>(load<u32>(scratch, S_POOL_COUNT), POOL_REPLACEMENTS_MAX);
  for (let i: u32 = 0; i < near; i++) {
    const key = load<u64>(pool + (i << 3));
    if (<u32>key & INVISIBLE || findInList(list, idOf(key)) >= 0) continue;
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
}

/** Removes the edge `from` -> `id`, if there is one, and gives `from` replacements. */
function removeLink(scratch: usize, index: usize, layer: u32, from: u32, id: u32): void {
  if (from == id) return;
  const list = listAt(index, layer, from);
  if (list == 0) return;
  const position = findInList(list, id);
  if (position < 0) return;
  const keys = scratch + S_NEAR_KEYS;
  const offered = load<u32>(scratch, S_REPLACEMENT_COUNT);
  let near: u32 = 0;
  for (let i: u32 = 0; i < offered; i++) {
    const other = load<u32>(scratch + S_REPLACEMENTS + (i << 2));
    if (other != from && findInList(list, other) < 0) near = insertKey(index, keys, near, from, other);
  }
  if (near != 0) {
    setListId(list, position, idOf(load<u64>(keys)));
  } else {
    const last = listCount(list) - 1;
    setListId(list, position, listId(list, last));
    setListCount(list, last);
  }
  const gained = min<u32>(near, REPAIR_EDGES_MAX);
  for (let i: u32 = 1; i < gained; i++) addLink(scratch, index, layer, from, idOf(load<u64>(keys + (i << 3))));
}

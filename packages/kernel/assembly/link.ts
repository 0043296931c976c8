// Linking a written vector into the graph (Malkov and Yashunin 2018, algorithm 1), with readers on it: first all forward links of
// the vector on every layer, then the reverse links that make it reachable, the entry point last.

import { recordAt } from './arena';
import { batchDistances, gatherAll, laneOf, locateBatch } from './batch';
import { chooseDiverse } from './choose';
import { searchLayer } from './beam';
import { codeVector, hasCodes } from './code';
import { insertKeysByCodes, poolByStored, takeStored } from './stored-query';
import { descend } from './descent';
import { entryId, entryLayer, entryOf, replaceEntry, setEntry } from './entry';
import { keepInEdge } from './in-edges';
import { idOf, insertKey, keyOf, TAKEN } from './keys';
import {
  isCodesOnly, isVisible, IX_DISTANCE, IX_EF_CONSTRUCTION, IX_LINKED_LIVE, IX_M, IX_PUBLISHED, IX_SEED, IX_VECTOR_BYTES, IX_VECTORS,
  NO_ENTRY, RECORD_HEADER_BYTES,
} from './layout';
import { layerOf } from './layers';
import { POOL_CAPACITY } from './limits';
import { findInList, listAt, listCapacity, listCount, listId, setListCount, setListId, writeList } from './links';
import { countDistances, S_BATCH_IDS, S_BATCH_RECORDS, S_CHOSEN_IDS, S_LIST_KEYS, S_POOL, S_POOL_COUNT } from './scratch';
import { rerankPool } from './rerank';
import { clearVisited, markVisited } from './visited';

export function link(scratch: usize, index: usize, id: u32): void {
  const query = recordAt(index + IX_VECTORS, id) + RECORD_HEADER_BYTES;
  const codes = hasCodes(index);
  if (isCodesOnly(index)) takeStored(scratch, index, id);
  else if (codes) codeVector(scratch, index, id, query);
  const layer = layerOf(load<u32>(index, IX_SEED), id, load<u32>(index, IX_M));
  const linkedLive = load<u32>(index, IX_LINKED_LIVE);
  store<u32>(index, linkedLive + 1, IX_LINKED_LIVE);
  if (linkedLive != 0) replaceEntry(index, id);
  const entry = entryOf(index);
  if (linkedLive == 0 || entry == NO_ENTRY || entryId(entry) == id) {
    for (let l: u32 = 0; l <= layer; l++) setListCount(listAt(index, l, id), 0);
    setEntry(index, layer, id);
    return;
  }
  const top = entryLayer(entry);
  let current = descend(codes, scratch, index, top, layer, query, entryId(entry));
  for (let l = layer; l > top; l--) setListCount(listAt(index, l, id), 0);
  const shared = min<u32>(top, layer);
  for (let l = <i32>shared; l >= 0; l--) current = linkForward(scratch, index, l, id, query, current);
  for (let l: u32 = 0; l <= shared; l++) linkBack(scratch, index, l, id);
  if (layer > top) setEntry(index, layer, id);
}

/** Writes the vector's own list at `layer`; returns the nearest node found, where the layer below starts. */
function linkForward(scratch: usize, index: usize, layer: u32, id: u32, query: usize, entry: u32): u32 {
  const stamp = load<u32>(index, IX_PUBLISHED) + 1;
  markVisited(scratch, id);
  const codes = hasCodes(index);
  searchLayer(codes, scratch, index, layer, query, entry, load<u32>(index, IX_EF_CONSTRUCTION), stamp);
  clearVisited(scratch);
  const pool = scratch + S_POOL;
  const nearest = idOf(load<u64>(pool));
  if (isCodesOnly(index)) poolByStored(scratch, index, id);
  else if (codes) rerankPool(scratch, index, query, POOL_CAPACITY, POOL_CAPACITY, stamp);
  const chosen = chooseDiverse(scratch, index, pool, load<u32>(scratch, S_POOL_COUNT), load<u32>(index, IX_M));
  writeList(listAt(index, layer, id), scratch + S_CHOSEN_IDS, chosen);
  return nearest;
}

function linkBack(scratch: usize, index: usize, layer: u32, id: u32): void {
  const list = listAt(index, layer, id);
  const count = listCount(list);
  for (let i: u32 = 0; i < count; i++) addLink(scratch, index, layer, listId(list, i), id);
  if (layer == 0) keepInEdge(scratch, index, id);
}

/** Adds the edge `from` -> `to`; a full list is chosen anew from its live entries and `to`, and what leaves it keeps another edge. */
export function addLink(scratch: usize, index: usize, layer: u32, from: u32, to: u32): void {
  const list = listAt(index, layer, from);
  if (list == 0 || findInList(list, to) >= 0) return;
  const count = listCount(list);
  const capacity = listCapacity(index, layer);
  if (count < capacity) {
    setListId(list, count, to);
    setListCount(list, count + 1);
    return;
  }
  const keys = scratch + S_LIST_KEYS;
  gatherAll(scratch, list);
  store<u32>(scratch + S_BATCH_IDS + (count << 2), to);
  const found = insertKeys(scratch, index, keys, count + 1, from);
  const chosen = chooseDiverse(scratch, index, keys, found, capacity);
  writeList(list, scratch + S_CHOSEN_IDS, chosen);
  if (layer != 0) return;
  for (let i: u32 = 0; i < found; i++) {
    const key = load<u64>(keys + (i << 3));
    if ((<u32>key & TAKEN) == 0 && idOf(key) != to) keepInEdge(scratch, index, idOf(key));
  }
}

/** Sorts the live ones of the batch's first `count` into `keys` by their distance from `from`; returns their number. */
export function insertKeys(scratch: usize, index: usize, keys: usize, count: u32, from: u32): u32 {
  if (isCodesOnly(index)) return insertKeysByCodes(scratch, index, keys, count, from);
  const own = recordAt(index + IX_VECTORS, from) + RECORD_HEADER_BYTES;
  const kind = load<u32>(index, IX_DISTANCE);
  const bytes = load<u32>(index, IX_VECTOR_BYTES);
  const stamp = load<u32>(index, IX_PUBLISHED) + 1;
  locateBatch(false, scratch, index, count);
  let found: u32 = 0;
  for (let i: u32 = 0; i < count; i += 4) {
    const four = batchDistances(scratch, i, kind, own, bytes);
    const lanes = min<u32>(4, count - i);
    for (let lane: u32 = 0; lane < lanes; lane++) {
      const at = (i + lane) << 2;
      if (!isVisible(load<u32>(scratch + S_BATCH_RECORDS + at), stamp)) continue;
      const key = keyOf(laneOf(four, lane), load<u32>(scratch + S_BATCH_IDS + at));
      insertKey(keys, found, key);
      found++;
    }
  }
  countDistances(scratch, found);
  return found;
}

// What no edge leads to is found by no walk. Choosing a full list anew, or the death of a neighbour, may take the last such edge from a vector, or cut off a few
// that lead to each other alone: so every live vector of the graph stays joined to several others, on layer 0, by edges in both directions.

import { recordAt } from './arena';
import { isVisible, IX_PUBLISHED, IX_VECTORS } from './layout';
import { listAt, listCapacity, listCount, listId, setListCount, setListId } from './links';
import { S_BATCH_IDS } from './scratch';

/** A vector that is joined to so many others directly, or belongs to so many that are joined, counts as joined to the graph. */
const JOINED_DIRECTLY: u32 = 2;
const JOINED_ALTOGETHER: u32 = 8;
/** Neighbours whose full lists may give a place, and places looked at in each: enough in practice, and a bound. */
const LISTS_MAX: u32 = 4;
const PLACES_MAX: u32 = 8;

/** Room for the ids of one group that is joined. */
const GROUP_BYTES: usize = (JOINED_ALTOGETHER + 1) << 2;

function isIn(group: usize, count: u32, id: u32): bool {
  for (let i: u32 = 0; i < count; i++) if (load<u32>(group + (i << 2)) == id) return true;
  return false;
}

/** Whether a list holds `id`, four places at a time: the search for edges back is nearly all of what is done here. */
@inline function leadsTo(list: usize, id: u32): bool {
  const wanted = i32x4.splat(id);
  const end = list + 4 + (listCount(list) << 2);
  let at = list + 4;
  for (; at + 16 <= end; at += 16) if (v128.any_true(i32x4.eq(v128.load(at), wanted))) return true;
  for (; at < end; at += 4) if (load<u32>(at) == id) return true;
  return false;
}

@inline function isLive(index: usize, id: u32, stamp: u32): bool { return isVisible(recordAt(index + IX_VECTORS, id), stamp); }

/** Collects those that `id` is joined to, itself first, the edge between it and `except` left out: their number, or 0 where they are enough. */
function smallGroup(group: usize, index: usize, id: u32, except: u32, stamp: u32): u32 {
  store<u32>(group, id);
  let end: u32 = 1;
  for (let next: u32 = 0; next < end; next++) {
    const at = load<u32>(group + (next << 2));
    const list = listAt(index, 0, at);
    const count = listCount(list);
    for (let i: u32 = 0; i < count; i++) {
      const neighbour = listId(list, i);
      if ((next == 0 && neighbour == except) || isIn(group, end, neighbour)) continue;
      if (!leadsTo(listAt(index, 0, neighbour), at) || !isLive(index, neighbour, stamp)) continue;
      store<u32>(group + (end << 2), neighbour);
      end++;
      if (end == JOINED_ALTOGETHER || (next == 0 && end > JOINED_DIRECTLY)) return 0;
    }
  }
  return end;
}

/** Joins a live vector to the graph again, where it is joined to few others or to none. */
export function keepInEdge(scratch: usize, index: usize, id: u32): void {
  const stamp = load<u32>(index, IX_PUBLISHED) + 1;
  const group = scratch + S_BATCH_IDS;
  const size = smallGroup(group, index, id, id, stamp);
  if (size == 0 || joinNeighbour(group, size, index, id, stamp) || joinNext(group, size, index, id, stamp)) return;
  displace(group, size, index, id, stamp);
}

/** An edge from a neighbour outside of the group that has a free place. */
function joinNeighbour(group: usize, size: u32, index: usize, id: u32, stamp: u32): bool {
  const list = listAt(index, 0, id);
  const count = listCount(list);
  for (let i: u32 = 0; i < count; i++) {
    const neighbour = listId(list, i);
    if (!isIn(group, size, neighbour) && isLive(index, neighbour, stamp) && append(index, neighbour, id)) return true;
  }
  return false;
}

/** Edges in both directions with a neighbour of a neighbour that has a free place: for those that lead only to what everything leads to. */
function joinNext(group: usize, size: u32, index: usize, id: u32, stamp: u32): bool {
  const list = listAt(index, 0, id);
  const count = listCount(list);
  if (count == listCapacity(index, 0)) return false;
  for (let i: u32 = 0; i < count; i++) {
    const neighbour = listId(list, i);
    if (!isLive(index, neighbour, stamp)) continue;
    const next = listAt(index, 0, neighbour);
    const nextCount = listCount(next);
    for (let j: u32 = 0; j < nextCount; j++) {
      const other = listId(next, j);
      if (isIn(group, size, other) || leadsTo(list, other) || !isLive(index, other, stamp) || !append(index, other, id)) continue;
      append(index, id, other);
      return true;
    }
  }
  return false;
}

/** An edge from a neighbour outside of the group in place of one that it does not need. */
function displace(group: usize, size: u32, index: usize, id: u32, stamp: u32): void {
  const list = listAt(index, 0, id);
  const count = listCount(list);
  let tried: u32 = 0;
  for (let i: u32 = 0; i < count && tried < LISTS_MAX; i++) {
    const neighbour = listId(list, i);
    if (isIn(group, size, neighbour) || !isLive(index, neighbour, stamp)) continue;
    tried++;
    if (takePlace(group + GROUP_BYTES, index, neighbour, id, stamp)) return;
  }
}

/** Adds `to` to the list of `from` if there is a free place. */
function append(index: usize, from: u32, to: u32): bool {
  const list = listAt(index, 0, from);
  const count = listCount(list);
  if (count == listCapacity(index, 0)) return false;
  setListId(list, count, to);
  setListCount(list, count + 1);
  return true;
}

/** Puts `id` into the full list of `from` in place of one that is dead, or joined to enough without it; those chosen last go first. */
function takePlace(group: usize, index: usize, from: u32, id: u32, stamp: u32): bool {
  const list = listAt(index, 0, from);
  const count = listCount(list);
  const end = count - min<u32>(count, PLACES_MAX);
  for (let i = count; i > end; i--) {
    const other = listId(list, i - 1);
    if (isLive(index, other, stamp) && smallGroup(group, index, other, from, stamp) != 0) continue;
    setListId(list, i - 1, id);
    return true;
  }
  return false;
}

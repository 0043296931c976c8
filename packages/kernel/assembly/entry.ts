// The entry point: layer in the top 8 bits, id below. It changes last, after every list that leads on from it.

import { recordAt } from './arena';
import { ID_MASK, isVisible, IX_ENTRY, IX_LINK_CURSOR, IX_M, IX_PUBLISHED, IX_SEED, IX_VECTORS, NO_ENTRY } from './layout';
import { layerOf } from './layers';
import { listAt, listCount, listId } from './links';

@inline export function entryOf(index: usize): u32 { return atomic.load<u32>(index, IX_ENTRY); }
@inline export function entryId(entry: u32): u32 { return entry & ID_MASK; }
@inline export function entryLayer(entry: u32): u32 { return entry >> 24; }
@inline export function setEntry(index: usize, layer: u32, id: u32): void {
  atomic.store<u32>(index, (layer << 24) | id, IX_ENTRY);
}

/** Moves the entry point off `id`: to a live neighbour on its highest layer, else to the highest live vector, else it stays. */
export function replaceEntry(index: usize, id: u32): void {
  const entry = entryOf(index);
  if (entry == NO_ENTRY || entryId(entry) != id) return;
  const vectors = index + IX_VECTORS;
  const stamp = load<u32>(index, IX_PUBLISHED) + 1;
  const layer = entryLayer(entry);
  const list = listAt(index, layer, id);
  const count: u32 = list == 0 ? 0 : listCount(list);
  for (let i: u32 = 0; i < count; i++) {
    const neighbour = listId(list, i);
    if (neighbour != id && isVisible(recordAt(vectors, neighbour), stamp)) {
      setEntry(index, layer, neighbour);
      return;
    }
  }
  const m = load<u32>(index, IX_M);
  const seed = load<u32>(index, IX_SEED);
  const linked = load<u32>(index, IX_LINK_CURSOR);
  let best = NO_ENTRY;
  let bestLayer: u32 = 0;
  for (let other: u32 = 0; other < linked; other++) {
    if (other == id || !isVisible(recordAt(vectors, other), stamp)) continue;
    const otherLayer = layerOf(seed, other, m);
    if (best == NO_ENTRY || otherLayer > bestLayer) {
      best = other;
      bestLayer = otherLayer;
    }
  }
  if (best != NO_ENTRY) setEntry(index, bestLayer, best);
}

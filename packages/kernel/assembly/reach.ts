// How much of the graph a search can come to: a walk through every list of layer 0 from the entry point on.

import { allocate, free } from './allocator';
import { recordAt } from './arena';
import { entryId, entryOf } from './entry';
import { isVisible, IX_GRAPH_STARTED, IX_HIGH_WATER, IX_PUBLISHED, IX_VECTORS, NO_ENTRY } from './layout';
import { listAt } from './links';
import { gather } from './batch';
import { S_BATCH_IDS, S_TOUCHED_OVERFLOW } from './scratch';
import { clearVisited, markVisited } from './visited';

/** Given where the memory for the queue ran out. */
const NO_MEMORY: u32 = 0xffff_ffff;

/** Live vectors that edges of layer 0 lead to from the entry point, itself included. Writer only; takes 4 bytes per id for the while. */
export function reachableCount(scratch: usize, index: usize): u32 {
  const entry = entryOf(index);
  if (load<u32>(index, IX_GRAPH_STARTED) == 0 || entry == NO_ENTRY) return 0;
  const queue = allocate(load<u32>(index, IX_HIGH_WATER) << 2);
  if (queue == 0) return NO_MEMORY;
  const stamp = load<u32>(index, IX_PUBLISHED);
  store<u32>(queue, entryId(entry));
  markVisited(scratch, entryId(entry));
  let end: u32 = 1;
  let live: u32 = 0;
  for (let next: u32 = 0; next < end; next++) {
    const id = load<u32>(queue + (next << 2));
    live += <u32>isVisible(recordAt(index + IX_VECTORS, id), stamp);
    const count = gather(scratch, listAt(index, 0, id));
    for (let i: u32 = 0; i < count; i++) store<u32>(queue + ((end + i) << 2), load<u32>(scratch + S_BATCH_IDS + (i << 2)));
    end += count;
  }
  // Once it overflowed the list of touched words starts anew, so that only clearing everything is right.
  store<u32>(scratch, 1, S_TOUCHED_OVERFLOW);
  clearVisited(scratch);
  free(queue);
  return live;
}

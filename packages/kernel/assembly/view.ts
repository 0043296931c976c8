// What a search sees: the published stamp, and what belongs to it.

import { IX_GRAPH_READY, IX_LIVE_AT, IX_PUBLISHED } from './layout';
import { S_VIEW_LIVE, S_VIEW_READY, S_VIEW_STAMP } from './scratch';

/** The live count at a published stamp. */
@inline function liveAt(index: usize, stamp: u32): u32 {
  return atomic.load<u32>(index + ((stamp & 1) << 2), IX_LIVE_AT);
}

/** Notes the published stamp, the live count at it and whether the graph is ready: read again until they belong together. */
export function readView(scratch: usize, index: usize): void {
  let stamp = atomic.load<u32>(index, IX_PUBLISHED);
  for (;;) {
    store<u32>(scratch, liveAt(index, stamp), S_VIEW_LIVE);
    store<u32>(scratch, atomic.load<u32>(index, IX_GRAPH_READY), S_VIEW_READY);
    const again = atomic.load<u32>(index, IX_PUBLISHED);
    if (again == stamp) break;
    stamp = again;
  }
  store<u32>(scratch, stamp, S_VIEW_STAMP);
}

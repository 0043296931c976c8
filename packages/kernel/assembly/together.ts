// Walks on codes that take their steps together, each in an area of its own. A walk alone waits for memory twice in each step, for
// a list and then for the codes of those on it, and nothing else can go on. Together all lists are fetched at once, and then all codes
// ("AMAC", Kocberber et al. 2015, in groups).

import { recordAt } from './arena';
import { bytesOf, gather, locateBatch, measureOf } from './batch';
import { admitBatch, measureBatch } from './beam';
import { measureEntry, nearest } from './descent';
import { EXPANDED } from './keys';
import { IX_LINKS, IX_M0 } from './layout';
import { listAt } from './links';
import { clearPool, poolCount } from './pool';
import { countDistances, laneAt, S_BATCH_COUNT, S_BATCH_IDS, S_CURSOR, S_LIST, S_NEAREST, S_POOL, S_SINK } from './scratch';
import { clearVisited, markVisited } from './visited';

/** Fetches the lists of `layer` on which the descents of the set go on; returns those that have one. */
@inline function fetchUpperLists(first: usize, active: u32, index: usize, layer: u32): u32 {
  let sink: u32 = 0;
  let going: u32 = 0;
  for (let rest = active; rest != 0; rest &= rest - 1) {
    const lane = ctz(rest);
    const scratch = laneAt(first, lane);
    const list = listAt(index, layer, <u32>load<u64>(scratch, S_NEAREST) >> 2);
    store<u32>(scratch, <u32>list, S_LIST);
    if (list == 0) continue;
    going |= 1 << lane;
    sink ^= load<u32>(list);
  }
  store<u32>(first, sink, S_SINK);
  return going;
}

/** Collects, for each of the set, what its list holds that was not visited. */
@inline function gatherLists(first: usize, going: u32, index: usize): void {
  for (let rest = going; rest != 0; rest &= rest - 1) {
    const scratch = laneAt(first, ctz(rest));
    const batch = gather(scratch, load<u32>(scratch, S_LIST));
    store<u32>(scratch, batch, S_BATCH_COUNT);
    locateBatch(true, scratch, index, batch);
    countDistances(scratch, batch);
  }
}

/**
 * Takes the queries coded in the first `count` areas from `entry` down through the layers from `from` on to just above layer 0; where each arrives lies in S_NEAREST, as
 * `descend` would return it. The visited sets must be clear, and are left so.
 */
export function descendTogether(first: usize, count: u32, index: usize, from: u32, entry: u32): void {
  const measure = measureOf(true, index);
  const bytes = bytesOf(true, index);
  const all: u32 = (1 << count) - 1;
  for (let lane: u32 = 0; lane < count; lane++) {
    const scratch = laneAt(first, lane);
    store<u64>(scratch, from == 0 ? <u64>entry << 2 : measureEntry(true, scratch, index, 0, entry), S_NEAREST);
  }
  for (let layer = from; layer > 0; layer--) {
    for (let going = fetchUpperLists(first, all, index, layer); going != 0; going = fetchUpperLists(first, going, index, layer)) {
      gatherLists(first, going, index);
      for (let rest = going; rest != 0; rest &= rest - 1) {
        const lane = ctz(rest);
        const scratch = laneAt(first, lane);
        const before = load<u64>(scratch, S_NEAREST);
        const best = nearest(true, scratch, load<u32>(scratch, S_BATCH_COUNT), measure, 0, bytes, before);
        store<u64>(scratch, best, S_NEAREST);
        if (best == before) going ^= 1 << lane;
      }
    }
  }
  for (let lane: u32 = 0; lane < count; lane++) clearVisited(laneAt(first, lane));
}

/** Begins a walk of layer 0 at `entry` for the query coded in the scratch. The visited set must be clear. */
export function beginWalk(scratch: usize, index: usize, entry: u32, ef: u32, stamp: u32): void {
  markVisited(scratch, entry);
  clearPool(scratch);
  store<u32>(scratch, entry, S_BATCH_IDS);
  locateBatch(true, scratch, index, 1);
  measureBatch(true, scratch, 1, measureOf(true, index), bytesOf(true, index), 0);
  store<u32>(scratch, admitBatch(scratch, 1, ef, stamp, 0), S_CURSOR);
  countDistances(scratch, 1);
}

/** The list of the nearest node not expanded, which it is from now on; 0 at the end of the walk. */
@inline function nextList(scratch: usize, index: usize): usize {
  const count = poolCount(scratch);
  for (let cursor = load<u32>(scratch, S_CURSOR); cursor < count; cursor++) {
    const at = scratch + S_POOL + (cursor << 3);
    const low = load<u32>(at);
    if (low & EXPANDED) continue;
    store<u32>(at, low | EXPANDED);
    store<u32>(scratch, cursor + 1, S_CURSOR);
    return recordAt(index + IX_LINKS, low >> 2);
  }
  return 0;
}

/** Bytes that come from memory at once. */
const LINE_BYTES: u32 = 64;

/** Fetches the next lists of all walks of the set; returns those that go on. */
@inline function fetchLists(first: usize, active: u32, index: usize): u32 {
  const last = load<u32>(index, IX_M0) << 2;
  let sink: u32 = 0;
  let going: u32 = 0;
  for (let rest = active; rest != 0; rest &= rest - 1) {
    const lane = ctz(rest);
    const scratch = laneAt(first, lane);
    const list = nextList(scratch, index);
    store<u32>(scratch, <u32>list, S_LIST);
    if (list == 0) continue;
    going |= 1 << lane;
    // With m up to 16 a list lies on three lines at most.
    sink ^= load<u32>(list) ^ load<u32>(list + min<u32>(LINE_BYTES, last)) ^ load<u32>(list + min<u32>(2 * LINE_BYTES, last));
  }
  store<u32>(first, sink, S_SINK);
  return going;
}

/**
 * Takes the walks of layer 0 that `beginWalk` began in the first `count` areas to their ends. Every loop over them does one thing for all, so that what
 * each waits for is on its way together, and guesses of the processor that turn out wrong come when it has arrived.
 */
export function walkTogether(first: usize, count: u32, index: usize, ef: u32, stamp: u32): void {
  const measure = measureOf(true, index);
  const bytes = bytesOf(true, index);
  for (let going = fetchLists(first, (1 << count) - 1, index); going != 0; going = fetchLists(first, going, index)) {
    gatherLists(first, going, index);
    for (let rest = going; rest != 0; rest &= rest - 1) {
      const scratch = laneAt(first, ctz(rest));
      measureBatch(true, scratch, load<u32>(scratch, S_BATCH_COUNT), measure, bytes, 0);
    }
    for (let rest = going; rest != 0; rest &= rest - 1) {
      const scratch = laneAt(first, ctz(rest));
      store<u32>(scratch, admitBatch(scratch, load<u32>(scratch, S_BATCH_COUNT), ef, stamp, load<u32>(scratch, S_CURSOR)), S_CURSOR);
    }
  }
}

// Many searches in one call, as answered as one by one. Walks on codes without a filter go in step, as many as the thread has areas for.

import { codeQuery } from './code';
import { entryId, entryLayer, entryOf } from './entry';
import { IX_DIM, NO_ENTRY } from './layout';
import { PATH_FLAT } from './filtered-search';
import { laneAt } from './scratch';
import { S_COMPUTED, S_LANES, S_NEAREST, S_QUERY, S_VIEW_LIVE, S_VIEW_READY, S_VIEW_STAMP } from './scratch';
import { endWalk, prepareQuery, search, takenBy, walksCodes, walksGraph, widthOf, writeResult } from './search';
import { beginWalk, descendTogether, walkTogether } from './together';
import { readView } from './view';

/** Searches for `count` queries of `dim` floats each; answers lie `answerBytes` apart. */
export function searchMany(
  scratch: usize, index: usize, queries: usize, count: u32, k: u32, ef: u32, path: u32, rerank: u32, filter: usize,
  answers: usize, answerBytes: u32,
): void {
  const queryBytes = load<u32>(index, IX_DIM) << 2;
  const lanes = filter == 0 && walksCodes(index, path) ? load<u32>(scratch, S_LANES) : 1;
  for (let from: u32 = 0; from < count;) {
    const some = min<u32>(lanes, count - from);
    const query = queries + from * queryBytes;
    const answer = answers + from * answerBytes;
    if (some == 1 || !searchTogether(scratch, index, query, some, k, ef, path, rerank, answer, answerBytes)) {
      for (let i: u32 = 0; i < some; i++) search(scratch, index, query + i * queryBytes, k, ef, path, rerank, filter, answer + i * answerBytes);
    }
    from += some;
  }
}

/** Searches whose walks on codes go in step; false, with nothing done, where there is no graph to walk. */
function searchTogether(
  first: usize, index: usize, queries: usize, count: u32, k: u32, ef: u32, path: u32, rerank: u32, answers: usize, answerBytes: u32,
): bool {
  readView(first, index);
  const stamp = load<u32>(first, S_VIEW_STAMP);
  const live = load<u32>(first, S_VIEW_LIVE);
  const entry = entryOf(index);
  if (entry == NO_ENTRY || !walksGraph(path, k, live, load<u32>(first, S_VIEW_READY))) return false;
  const queryBytes = load<u32>(index, IX_DIM) << 2;
  const width = widthOf(true, k, ef);
  for (let lane: u32 = 0; lane < count; lane++) {
    const scratch = laneAt(first, lane);
    store<u32>(scratch, 0, S_COMPUTED);
    codeQuery(scratch, index, prepareQuery(scratch, index, queries + lane * queryBytes));
  }
  descendTogether(first, count, index, entryLayer(entry), entryId(entry));
  for (let lane: u32 = 0; lane < count; lane++) {
    const scratch = laneAt(first, lane);
    beginWalk(scratch, index, <u32>load<u64>(scratch, S_NEAREST) >> 2, width, stamp);
  }
  walkTogether(first, count, index, width, stamp);
  for (let lane: u32 = 0; lane < count; lane++) {
    const scratch = laneAt(first, lane);
    endWalk(true, scratch, index, scratch + S_QUERY, k, rerank, stamp);
    const taken = takenBy(true, scratch, k, live);
    writeResult(scratch, index, scratch + S_QUERY, k, rerank, taken == PATH_FLAT, taken, stamp, answers + lane * answerBytes);
  }
  return true;
}

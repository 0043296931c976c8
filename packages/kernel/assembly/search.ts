// One search at one stamp, from the stored query to the answer the host reads.
//
//   answer:  count u32 | path u8, 1 = vectors, 2 = flat, 3 = codes | strategy u8 (`filter.ts`) | 2 bytes | stamp u32
//            | distances computed u32 | k ids u32 | k distances f32

import { searchLayer } from './beam';
import { codeQuery, hasCodes } from './code';
import { descend } from './descent';
import { copyScaled, normOf } from './distance';
import { entryId, entryLayer, entryOf } from './entry';
import { distanceOf, INVISIBLE } from './keys';
import {
  COSINE, isCodesOnly, IX_DIM, IX_DISTANCE, IX_VECTOR_BYTES, L2, NO_ENTRY,
} from './layout';
import { S_COMPUTED, S_POOL, S_POOL_COUNT, S_QUERY, S_TOP, S_VIEW_LIVE, S_VIEW_READY, S_VIEW_STAMP } from './scratch';
import { newestStampOf } from './filter';
import { PATH_AUTO, PATH_CODES, PATH_FLAT, PATH_GRAPH, searchFiltered } from './filtered-search';
import { candidateCount, walkCandidates, writeCandidates } from './candidates';
import { scanCodes } from './code-scan';
import { scan } from './flat';
import { rerankPool } from './rerank';
import { readView } from './view';
import { clearVisited } from './visited';

export const ANSWER_HEADER_BYTES: u32 = 16;

/** Below this many live vectors per result a scan is faster than the graph, and exact. */
const SCAN_LIVE_PER_RESULT: u32 = 2;

/** Leaves the query in the scratch as vectors are stored. */
export function prepareQuery(scratch: usize, index: usize, source: usize): usize {
  const query = scratch + S_QUERY;
  const dim = load<u32>(index, IX_DIM);
  let scale: f64 = 1;
  if (load<u32>(index, IX_DISTANCE) == COSINE) {
    const norm = normOf(source, dim);
    scale = norm > 0 ? 1 / norm : 0;
  }
  copyScaled(query, source, dim, load<u32>(index, IX_VECTOR_BYTES), scale);
  return query;
}

/** Distance as callers see it: Euclidean, 1 - cosine, negated inner product. */
function publicDistance(kind: u32, distance: f32): f32 {
  if (kind == L2) return sqrt<f32>(distance);
  return kind == COSINE ? max<f32>(0, 1 + distance) : distance;
}

/** Writes the visible ones of the ascending keys into the answer, at most k, and returns their number. */
function writeAnswer(keys: usize, count: u32, k: u32, kind: u32, answer: usize): u32 {
  const ids = answer + ANSWER_HEADER_BYTES;
  const distances = ids + (k << 2);
  let written: u32 = 0;
  for (let i: u32 = 0; i < count && written < k; i++) {
    const key = load<u64>(keys + (i << 3));
    if (<u32>key & INVISIBLE) continue;
    store<u32>(ids + (written << 2), <u32>key >> 2);
    store<f32>(distances + (written << 2), publicDistance(kind, distanceOf(key)));
    written++;
  }
  return written;
}

/** Leaves the nearest in the pool, at full precision unless the index keeps codes alone: on codes, the k nearest of the first `rerank`. */
function searchGraph(
  codes: bool, scratch: usize, index: usize, query: usize, k: u32, ef: u32, rerank: u32, stamp: u32,
): void {
  const entry = entryOf(index);
  if (entry == NO_ENTRY) {
    store<u32>(scratch, 0, S_POOL_COUNT);
    return;
  }
  if (codes) codeQuery(scratch, index, query);
  const start = descend(codes, scratch, index, entryLayer(entry), 0, query, entryId(entry));
  searchLayer(codes, scratch, index, 0, query, start, ef, stamp);
  endWalk(codes, scratch, index, query, k, rerank, stamp);
}

/** What follows a walk of layer 0. */
@inline export function endWalk(codes: bool, scratch: usize, index: usize, query: usize, k: u32, rerank: u32, stamp: u32): void {
  clearVisited(scratch);
  if (codes && !isCodesOnly(index)) rerankPool(scratch, index, query, max<u32>(k, rerank), k, stamp);
}

/** Whether a search without a filter walks the graph. */
@inline export function walksGraph(path: u32, k: u32, live: u32, ready: u32): bool {
  return path != PATH_FLAT && ready != 0 && (path != PATH_AUTO || live / SCAN_LIVE_PER_RESULT > k);
}

/** Whether a walk goes by codes. */
@inline export function walksCodes(index: usize, path: u32): bool { return isCodesOnly(index) || (path != PATH_GRAPH && hasCodes(index)); }

/** Width of the beam. Estimates misplace a few candidates around the k-th: on codes it holds some more than k. */
@inline export function widthOf(codes: bool, k: u32, ef: u32): u32 { return max<u32>(ef, codes ? k + (k >> 2) : k); }

/**
 * `rerank`: candidates whose exact distances are computed where estimates choose. `filter`: address of a filter, or 0. An index that keeps
 * codes alone answers candidates (`candidates.ts`).
 */
export function search(
  scratch: usize, index: usize, source: usize, k: u32, ef: u32, path: u32, rerank: u32, filter: usize, answer: usize,
): u32 {
  readView(scratch, index);
  let stamp = load<u32>(scratch, S_VIEW_STAMP);
  const live = load<u32>(scratch, S_VIEW_LIVE);
  const ready = load<u32>(scratch, S_VIEW_READY);
  store<u32>(scratch, 0, S_COMPUTED);
  const query = prepareQuery(scratch, index, source);
  let taken = PATH_FLAT;
  if (filter != 0) {
    stamp = min<u32>(stamp, newestStampOf(filter));
    taken = searchFiltered(scratch, index, query, k, ef, path, rerank, stamp, live, ready != 0, filter);
  } else if (walksGraph(path, k, live, ready)) {
    const codes = walksCodes(index, path);
    searchGraph(codes, scratch, index, query, k, widthOf(codes, k, ef), rerank, stamp);
    taken = takenBy(codes, scratch, k, live);
  }
  return writeResult(scratch, index, query, k, rerank, filter == 0 && taken == PATH_FLAT, taken, stamp, answer);
}

/** The path that answers after a walk: a scan where it found too few. */
@inline export function takenBy(codes: bool, scratch: usize, k: u32, live: u32): u32 {
  if (countVisible(scratch, k) < min<u32>(k, live)) return PATH_FLAT;
  return codes ? PATH_CODES : PATH_GRAPH;
}

/** Writes the answer from the pool, or from a scan that it does first. */
export function writeResult(
  scratch: usize, index: usize, query: usize, k: u32, rerank: u32, scans: bool, taken: u32, stamp: u32, answer: usize,
): u32 {
  const written = isCodesOnly(index) ? answerCandidates(scratch, index, query, k, rerank, scans, (taken & 0xff) == PATH_FLAT, stamp, answer)
    : answerHits(scratch, index, query, k, scans, stamp, answer);
  store<u32>(answer, written);
  store<u32>(answer, taken, 4);
  store<u32>(answer, stamp, 8);
  store<u32>(answer, load<u32>(scratch, S_COMPUTED), 12);
  return written;
}

/** Visible nodes of the pool, counted up to `wanted`. */
function countVisible(scratch: usize, wanted: u32): u32 {
  const count = load<u32>(scratch, S_POOL_COUNT);
  let visible: u32 = 0;
  for (let i: u32 = 0; i < count && visible < wanted; i++) visible += <u32>((load<u32>(scratch + S_POOL + (i << 3)) & INVISIBLE) == 0);
  return visible;
}

/** Writes the k nearest of the pool, or of a scan; returns their number. */
function answerHits(scratch: usize, index: usize, query: usize, k: u32, scans: bool, stamp: u32, answer: usize): u32 {
  const kind = load<u32>(index, IX_DISTANCE);
  if (!scans) return writeAnswer(scratch + S_POOL, load<u32>(scratch, S_POOL_COUNT), k, kind, answer);
  return writeAnswer(scratch + S_TOP, scan(scratch, index, query, k, stamp), k, kind, answer);
}

/** Writes the best candidates of the pool, or of a scan; returns their number. */
function answerCandidates(
  scratch: usize, index: usize, query: usize, k: u32, rerank: u32, scans: bool, scanned: bool, stamp: u32, answer: usize,
): u32 {
  const places = candidateCount(k, rerank);
  if (scans) {
    codeQuery(scratch, index, query);
    scanCodes(scratch, index, places, stamp);
  }
  return writeCandidates(scratch, index, query, scanned ? places : walkCandidates(k, rerank), places, answer + ANSWER_HEADER_BYTES);
}

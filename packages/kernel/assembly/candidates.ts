// What an index that keeps codes alone answers: candidates in the order of their estimates. Whoever asked has the vectors, computes exact
// distances and keeps the nearest.
//
//   answer:  as of a search (`search.ts`), but with `candidateCount` ids and as many estimates f32: squared distances for l2, negated inner
//            products else, of normalised vectors for cosine
//
// A walk answers with as many candidates as are to be re-ranked, a scan with more: its answer is to be the true one.

import { summandOf } from './estimate';
import { distanceOf, INVISIBLE } from './keys';
import { MAX_CANDIDATES } from './limits';
import { S_POOL, S_POOL_COUNT } from './scratch';

/** Candidates that a scan answers at least. */
const SCAN_CANDIDATES_LEAST: u32 = 64;

/** Places of an answer, and candidates that a scan finds. */
export function candidateCount(k: u32, rerank: u32): u32 {
  return min<u32>(max<u32>(2 * max<u32>(k, rerank), SCAN_CANDIDATES_LEAST), MAX_CANDIDATES);
}

/** Candidates that a walk answers. */
@inline export function walkCandidates(k: u32, rerank: u32): u32 { return min<u32>(max<u32>(k, rerank), MAX_CANDIDATES); }

/** Writes the visible ones of the pool, at most `limit`, into an answer of `capacity` places behind its header; returns their number. */
export function writeCandidates(scratch: usize, index: usize, query: usize, limit: u32, capacity: u32, ids: usize): u32 {
  const summand = <f32>summandOf(index, query);
  const pool = scratch + S_POOL;
  const count = load<u32>(scratch, S_POOL_COUNT);
  const estimates = ids + (capacity << 2);
  let written: u32 = 0;
  for (let i: u32 = 0; i < count && written < limit; i++) {
    const key = load<u64>(pool + (i << 3));
    if (<u32>key & INVISIBLE) continue;
    store<u32>(ids + (written << 2), <u32>key >> 2);
    store<f32>(estimates + (written << 2), distanceOf(key) + summand);
    written++;
  }
  return written;
}

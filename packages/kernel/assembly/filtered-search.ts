// A search under a filter: which strategy by the exact number of allowed ids against what a walk would cost, and its result at full precision.

import { codeQuery, hasCodes } from './code';
import { candidateCount } from './candidates';
import { descend } from './descent';
import { entryId, entryLayer, entryOf } from './entry';
import { bitsOf, countAllowed, STRATEGY_GATED, STRATEGY_NONE, STRATEGY_SCAN, STRATEGY_TWO_HOP, strategyOf, wordsOf } from './filter';
import { searchGated, searchTwoHop } from './filtered-beam';
import { scanAllowed, scanAllowedCodes } from './filtered-scan';
import { isCodesOnly, NO_ENTRY } from './layout';
import { POOL_CAPACITY } from './limits';
import { rerankPool, rerankScan } from './rerank';
import { S_POOL_COUNT, S_POOL_VISIBLE } from './scratch';
import { clearVisited } from './visited';

export const PATH_AUTO: u32 = 0;
export const PATH_GRAPH: u32 = 1;
export const PATH_FLAT: u32 = 2;
export const PATH_CODES: u32 = 3;

const STRATEGY_SHIFT: u32 = 8;

/** Results that a gated walk looks for, per result wanted. */
const GATED_QUOTA: u32 = 2;

/**
 * Costs in units of one record read by a scan, by measurement at 100,000 x 128: a node expanded by a gated walk, a node expanded by two hops, and a
 * distance that a walk computes.
 */
const GATED_NODE_COST: u64 = 60;
const TWO_HOP_NODE_COST: u64 = 500;
const WALK_DISTANCE_COST: u32 = 4;

/** The strategy of least cost. A gated walk expands its beam, or as many nodes as hold its quota where the filter is independent of the query. */
function chooseStrategy(allowed: u32, live: u32, ef: u32, quota: u32): u32 {
  const gated = GATED_NODE_COST * max<u64>(ef, <u64>quota * <u64>live / <u64>max<u32>(1, allowed));
  const twoHop = TWO_HOP_NODE_COST * <u64>ef;
  if (<u64>allowed <= min<u64>(gated, twoHop)) return STRATEGY_SCAN;
  return gated <= twoHop ? STRATEGY_GATED : STRATEGY_TWO_HOP;
}

/** Distances that a look around the query may cost before a walk by two hops. */
const PROBE_DISTANCES: u32 = 2_048;

/** The share of allowed vectors around the query is less than one in so many of their share altogether: the filter stands against it. */
const AGAINST: u64 = 4;

/** Candidates of a first scan by codes, at least: enough unless the allowed crowd at one distance. */
const SCAN_CANDIDATES_FEW: u32 = 64;

/** Candidates of a scan by codes among which exact distances choose: so many at least, and so many for each that a walk would re-rank. */
const SCAN_CANDIDATES: u32 = 2_048;
const SCAN_CANDIDATES_PER_RERANK: u32 = 64;

function quotaOf(k: u32, keep: u32): u32 { return min<u32>(max<u32>(GATED_QUOTA * k, keep), POOL_CAPACITY >> 1); }

/** Whether far fewer of the nodes that a walk has met are allowed than a filter that has nothing to do with the query would allow. */
function standsAgainst(scratch: usize, allowed: u32, live: u32): bool {
  return AGAINST * <u64>load<u32>(scratch, S_POOL_VISIBLE) * <u64>live < <u64>load<u32>(scratch, S_POOL_COUNT) * <u64>allowed;
}

/**
 * Leaves the nearest of the allowed in the pool; returns the strategy that answered, or that of the scan where a walk should not or could not: the
 * nearest of vectors that stand against the query lie all around it, where no walk meets them.
 */
function walk(
  codes: bool, scratch: usize, index: usize, query: usize, k: u32, ef: u32, keep: u32, allowed: u32, live: u32, strategy: u32, free: bool, filter: usize, stamp: u32,
): u32 {
  const entry = entryOf(index);
  store<u32>(scratch, 0, S_POOL_COUNT);
  if (entry == NO_ENTRY) return STRATEGY_SCAN;
  const start = descend(codes, scratch, index, entryLayer(entry), 0, query, entryId(entry));
  if (strategy == STRATEGY_GATED) {
    // Left to itself, the walk gives up where a scan would have been done by then.
    const budget = free ? allowed / WALK_DISTANCE_COST : allowed;
    const found = searchGated(codes, scratch, index, query, start, ef, quotaOf(k, keep), budget, filter, stamp);
    clearVisited(scratch);
    if (free && (!found || standsAgainst(scratch, allowed, live))) return STRATEGY_SCAN;
    if (!found) strategy = STRATEGY_TWO_HOP;
  } else if (free) {
    searchGated(codes, scratch, index, query, start, ef, 1, PROBE_DISTANCES, filter, stamp);
    clearVisited(scratch);
    if (standsAgainst(scratch, allowed, live)) return STRATEGY_SCAN;
  }
  if (strategy == STRATEGY_TWO_HOP) {
    searchTwoHop(codes, scratch, index, query, start, ef, filter, stamp);
    clearVisited(scratch);
  }
  const found = load<u32>(scratch, S_POOL_VISIBLE);
  if (codes && !isCodesOnly(index)) rerankPool(scratch, index, query, keep, k, stamp);
  return found >= min<u32>(k, allowed) ? strategy : STRATEGY_SCAN;
}

/**
 * Leaves in the pool the nearest visible allowed vectors, at least k where there are so many, at full precision. Returns the path
 * taken and, above it, the strategy.
 */
export function searchFiltered(
  scratch: usize, index: usize, query: usize, k: u32, ef: u32, path: u32, rerank: u32, stamp: u32, live: u32, ready: bool, filter: usize,
): u32 {
  const allowed = countAllowed(bitsOf(filter), wordsOf(filter, index));
  const codesOnly = isCodesOnly(index);
  const codes = codesOnly || (ready && path != PATH_GRAPH && path != PATH_FLAT && hasCodes(index));
  const keep = max<u32>(k, rerank);
  let strategy = STRATEGY_SCAN;
  // Estimates misplace a few candidates around the k-th: on codes the beam holds some more than k.
  const width = max<u32>(ef, codes ? k + (k >> 2) : k);
  if (ready && path != PATH_FLAT) {
    strategy = strategyOf(filter) != STRATEGY_NONE ? strategyOf(filter) : chooseStrategy(allowed, live, width, quotaOf(k, keep));
  }
  if (codesOnly || (codes && (strategy != STRATEGY_SCAN || allowed > keep))) codeQuery(scratch, index, query);
  if (strategy != STRATEGY_SCAN) {
    strategy = walk(codes, scratch, index, query, k, width, keep, allowed, live, strategy, strategyOf(filter) == STRATEGY_NONE, filter, stamp);
    if (strategy != STRATEGY_SCAN) return (codes ? PATH_CODES : PATH_GRAPH) | (strategy << STRATEGY_SHIFT);
  }
  if (codesOnly) {
    scanAllowedCodes(scratch, index, filter, candidateCount(k, rerank), stamp);
    return PATH_FLAT | (STRATEGY_SCAN << STRATEGY_SHIFT);
  }
  if (codes && allowed > keep) {
    const few = min<u32>(max<u32>(2 * keep, SCAN_CANDIDATES_FEW), POOL_CAPACITY);
    scanAllowedCodes(scratch, index, filter, few, stamp);
    if (!rerankScan(scratch, index, query, k, stamp) && few < allowed) {
      scanAllowedCodes(scratch, index, filter, min<u32>(max<u32>(SCAN_CANDIDATES_PER_RERANK * keep, SCAN_CANDIDATES), POOL_CAPACITY), stamp);
      rerankScan(scratch, index, query, k, stamp);
    }
    return PATH_CODES | (STRATEGY_SCAN << STRATEGY_SHIFT);
  }
  scanAllowed(scratch, index, query, filter, k, stamp);
  return PATH_FLAT | (STRATEGY_SCAN << STRATEGY_SHIFT);
}

// Per-thread working memory, allocated once at the start of the engine, when the heap is still all zeros: one area for each search that the
// thread walks in step with others, the first of which is the thread's own.

import { MAX_DIM, MAX_K, MAX_M, MAX_VECTORS, POOL_CAPACITY, TOUCHED_CAPACITY } from './limits';

/** Distances computed since the host last reset it. */
export const S_COMPUTED: usize = 0;
export const S_TOUCHED_COUNT: usize = 4;
export const S_TOUCHED_OVERFLOW: usize = 8;
export const S_POOL_COUNT: usize = 12;
export const S_SINK: usize = 16;
export const S_REPLACEMENT_COUNT: usize = 20;
/** Of the candidate pool: visible entries, and the bound (u64). */
export const S_POOL_VISIBLE: usize = 24;
export const S_POOL_BOUND: usize = 32;
/** Of the rotated query: what a unit of its code is worth, the sum of its code times the codes' offset, and its own summand. */
export const S_QUERY_SCALE: usize = 40;
export const S_QUERY_BIAS: usize = 44;
export const S_QUERY_ADD: usize = 48;
/** One more than the id whose vector, just put, is coded as the query; 0 where that is another's. */
export const S_STORED_QUERY: usize = 60;
/** Areas of the thread, in its first. */
export const S_LANES: usize = 64;
/** Of a walk in step with others: the first pool position not expanded, the list being read, and how many of it were not visited. */
export const S_CURSOR: usize = 68;
export const S_LIST: usize = 72;
export const S_BATCH_COUNT: usize = 76;
/** The view of a search (`view.ts`). */
export const S_VIEW_STAMP: usize = 80;
export const S_VIEW_LIVE: usize = 84;
export const S_VIEW_READY: usize = 88;
/** Of a descent in step with others: the nearest so far, a key. */
export const S_NEAREST: usize = 96;
export const S_QUERY: usize = 128;
/** A rotated vector, f32 components, and its signed 8-bit code. */
export const S_ROTATED: usize = S_QUERY + MAX_DIM * 4;
export const S_QUERY_CODE: usize = S_ROTATED + MAX_DIM * 4;
/** A stored code taken as a query. */
export const S_PAIR_SCALE: usize = 52;
export const S_PAIR_BIAS: usize = 56;
export const S_PAIR_CODE: usize = S_QUERY_CODE + MAX_DIM;
export const S_POOL: usize = S_PAIR_CODE + MAX_DIM;
/** Unvisited neighbours of the node being expanded: ids, and the addresses of their records. */
const LIST_MAX: u32 = 2 * MAX_M + 16;
export const S_BATCH_IDS: usize = S_POOL + (POOL_CAPACITY + 8) * 8;
export const S_BATCH_RECORDS: usize = S_BATCH_IDS + LIST_MAX * 4;
/** Their distances or estimates. */
export const S_BATCH_MEASURES: usize = S_BATCH_RECORDS + LIST_MAX * 4;
/** Neighbours chosen so far: ids, and the addresses of their components. */
export const S_CHOSEN_IDS: usize = S_BATCH_MEASURES + LIST_MAX * 4;
export const S_CHOSEN_VECTORS: usize = S_CHOSEN_IDS + LIST_MAX * 4;
/** Of the neighbours chosen: addresses of their code records, and their squared distances from the centre. */
export const S_CHOSEN_CODES: usize = S_CHOSEN_VECTORS + LIST_MAX * 4;
export const S_CHOSEN_SPREADS: usize = S_CHOSEN_CODES + LIST_MAX * 4;
/** Keys of a list that ran full, or of a removed vector's neighbourhood. */
export const S_LIST_KEYS: usize = S_CHOSEN_SPREADS + LIST_MAX * 4;
export const S_REPLACEMENTS: usize = S_LIST_KEYS + LIST_MAX * 8;
export const S_NEAR_KEYS: usize = S_REPLACEMENTS + LIST_MAX * 4;
/** Top-k of a scan. */
export const S_TOP: usize = S_NEAR_KEYS + LIST_MAX * 8;
export const S_TOUCHED: usize = S_TOP + (MAX_K + 8) * 8;
export const S_VISITED: usize = S_TOUCHED + (TOUCHED_CAPACITY + 2 * MAX_M + 16) * 4;
/** No multiple of 4,096, by which the fields of a thread's areas would share the same places of its cache. */
export const SCRATCH_BYTES: usize = S_VISITED + MAX_VECTORS / 8 + 1088;

/** Area of a thread's n-th walk, n from 0. */
@inline export function laneAt(first: usize, lane: u32): usize { return first + <usize>lane * SCRATCH_BYTES; }

@inline export function countDistances(scratch: usize, count: u32): void {
  store<u32>(scratch, load<u32>(scratch, S_COMPUTED) + count, S_COMPUTED);
}

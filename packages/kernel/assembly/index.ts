// What the host may call. Addresses are bytes from the start of the shared memory; 0 means none.

import { allocate, free, initHeap } from './allocator';
import { recordAt } from './arena';
import { entryId, entryOf } from './entry';
import { E_INDEX_COUNT, E_MAGIC, E_USED_BYTES, E_VERSION, ENGINE_MAGIC, ENGINE_VERSION } from './engine';
import {
  IX_DEAD, IX_GRAPH_READY, IX_HIGH_WATER, IX_LINKED_LIVE, IX_LIVE_AT, IX_MEMORY_BYTES, IX_PUBLISHED, IX_VECTORS, NO_ENTRY, R_DIED,
} from './layout';
import { S_LANES, SCRATCH_BYTES } from './scratch';

export { createIndex, dropIndex, publish, put, rebase, remove, repair, reserve } from './vectors';
export { addToCentre, awaitsCentre, settleCentre } from './codes-only-put';
export { candidateCount } from './candidates';
export { estimate } from './estimate';
export { rotate } from './rotation';
export { search } from './search';
export { searchMany } from './search-many';
export {
  centreAddress, entryWord, exportUpper, highWater, importBegin, importCodes, importEnd, importLinks, importUpper, importVectors, recordAddress,
  recordBytes, recordRun, upperBytes, upperRun,
} from './transfer';
export { graphDigest } from './digest';
export { reachableCount } from './reach';

/** Lays out the engine header in a fresh memory. Called once, by the first thread. */
export function initEngine(pageLimit: u32): void {
  initHeap(pageLimit);
  store<u32>(E_VERSION, ENGINE_VERSION);
  store<u32>(E_MAGIC, ENGINE_MAGIC);
}

/** A span of at least `bytes` bytes; 0 when the memory limit is reached. Writer only. */
export function allocateSpan(bytes: u32): usize { return allocate(bytes); }

/** Returns a span. Writer only. */
export function freeSpan(span: usize): void { free(span); }

/**
 * Working memory for one thread with areas for `lanes` walks in step, from 1 to MAX_LANES; 0 when the memory limit is reached. Only before the
 * first index is created.
 */
export function allocateScratch(lanes: u32): usize {
  const scratch = allocate(lanes * <u32>SCRATCH_BYTES);
  if (scratch != 0) store<u32>(scratch, lanes, S_LANES);
  return scratch;
}

/** Bytes of the areas for `lanes` walks. */
export function scratchBytes(lanes: u32): u32 { return lanes * <u32>SCRATCH_BYTES; }

/** When the id died: 0 where it was never put, 2^32 - 1 where it lives. */
export function diedAt(index: usize, id: u32): u32 {
  return id < load<u32>(index, IX_HIGH_WATER) ? load<u32>(recordAt(index + IX_VECTORS, id), R_DIED) : 0;
}

export function publishedStamp(index: usize): u32 { return atomic.load<u32>(index, IX_PUBLISHED); }

/** The id at which walks begin; 2^32 - 1 without a graph. */
export function entryPoint(index: usize): u32 {
  const entry = entryOf(index);
  return entry == NO_ENTRY ? entry : entryId(entry);
}

/** For tests of what happens when stamps run out: continues from `stamp`. No reader may be left. */
export function continueFromStamp(index: usize, stamp: u32): void {
  const live = load<u32>(index + ((load<u32>(index, IX_PUBLISHED) & 1) << 2), IX_LIVE_AT);
  store<u32>(index + ((stamp & 1) << 2), live, IX_LIVE_AT);
  atomic.store<u32>(index, stamp, IX_PUBLISHED);
}

/** Live vectors at the published stamp. */
export function vectorCount(index: usize): u32 {
  return atomic.load<u32>(index + ((atomic.load<u32>(index, IX_PUBLISHED) & 1) << 2), IX_LIVE_AT);
}

/** Removed vectors whose ids were not put again. */
export function deletedCount(index: usize): u32 { return load<u32>(index, IX_DEAD); }
export function linkedCount(index: usize): u32 { return load<u32>(index, IX_LINKED_LIVE); }
export function memoryBytes(index: usize): u32 { return load<u32>(index, IX_MEMORY_BYTES); }
export function graphReady(index: usize): u32 { return atomic.load<u32>(index, IX_GRAPH_READY); }

/** Bytes of all spans in use, and the number of indexes. */
export function usedBytes(): u32 { return load<u32>(E_USED_BYTES); }
export function indexCount(): u32 { return load<u32>(E_INDEX_COUNT); }

// The writer's operations on one index. A group is: reserve (the only step that allocates, so the only one that can fail), then
// puts and removes at stamp published + 1, then publish, then the unlinking of what the group removed.

import { ensureRecords, freeArena, initArena, recordAt, takeSpan } from './arena';
import { allocate, free, spanBytes } from './allocator';
import { ensureCentre, placeCentre } from './centre';
import { putCodes } from './codes-only-put';
import { codeBytesOf } from './code';
import { copyScaled, normOf } from './distance';
import { E_INDEX_COUNT } from './engine';
import {
  COSINE, INDEX_HEADER_BYTES, isCodesOnly, isVisible, IX_CENTRE, IX_CODE_BITS, IX_CODE_BYTES, IX_CODES, IX_CODES_ONLY, IX_DEAD, IX_DIM, IX_DISTANCE, IX_EF_CONSTRUCTION, IX_ENTRY, IX_FLAT_THRESHOLD,
  IX_GRAPH_READY, IX_GRAPH_RESERVED, IX_GRAPH_STARTED, IX_HIGH_WATER, IX_LINK_CURSOR, IX_LINKED_LIVE, IX_LINKS, IX_LIVE,
  IX_LIVE_AT, IX_M, IX_M0, IX_MEMORY_BYTES, IX_PUBLISHED, IX_ROTATION_SEED, IX_SEED, IX_VECTOR_BYTES, IX_VECTORS, NEVER, NO_ENTRY, R_BORN, R_DIED,
  R_NORM, RECORD_HEADER_BYTES,
} from './layout';
import { BACKLOG_LINKS_PER_PUT } from './limits';
import { link } from './link';
import { ensureUpper, freeUpper } from './links';
import { S_QUERY, S_STORED_QUERY } from './scratch';
import { unlink } from './repair';

/** A new empty index; 0 when memory ran out. */
export function createIndex(
  dim: u32, distance: u32, m: u32, efConstruction: u32, seed: u32, flatThreshold: u32, codeBits: u32, rotationSeed: u32, codesOnly: u32,
): usize {
  const index = allocate(INDEX_HEADER_BYTES);
  if (index == 0) return 0;
  memory.fill(index, 0, INDEX_HEADER_BYTES);
  const vectorBytes = ((dim + 3) & ~3) << 2;
  store<u32>(index, dim, IX_DIM);
  store<u32>(index, vectorBytes, IX_VECTOR_BYTES);
  store<u32>(index, distance, IX_DISTANCE);
  store<u32>(index, m, IX_M);
  store<u32>(index, 2 * m, IX_M0);
  store<u32>(index, efConstruction, IX_EF_CONSTRUCTION);
  store<u32>(index, seed, IX_SEED);
  store<u32>(index, flatThreshold, IX_FLAT_THRESHOLD);
  store<u32>(index, 1, IX_PUBLISHED);
  store<u32>(index, NO_ENTRY, IX_ENTRY);
  store<u32>(index, spanBytes(index), IX_MEMORY_BYTES);
  store<u32>(index, codesOnly, IX_CODES_ONLY);
  initArena(index + IX_VECTORS, RECORD_HEADER_BYTES + (codesOnly != 0 ? 0 : vectorBytes));
  initArena(index + IX_LINKS, 4 + 8 * m);
  if (codeBits != 0) {
    store<u32>(index, codeBits, IX_CODE_BITS);
    store<u32>(index, codeBytesOf(dim, codeBits), IX_CODE_BYTES);
    store<u32>(index, rotationSeed, IX_ROTATION_SEED);
    initArena(index + IX_CODES, RECORD_HEADER_BYTES + codeBytesOf(dim, codeBits));
  }
  store<u32>(E_INDEX_COUNT, load<u32>(E_INDEX_COUNT) + 1);
  return index;
}

/** Releases the index. No reader may be left. */
export function dropIndex(index: usize): void {
  freeArena(index + IX_VECTORS);
  freeArena(index + IX_LINKS);
  freeArena(index + IX_CODES);
  if (load<u32>(index, IX_CENTRE) != 0) free(load<u32>(index, IX_CENTRE));
  freeUpper(index);
  free(index);
  store<u32>(E_INDEX_COUNT, load<u32>(E_INDEX_COUNT) - 1);
}

/**
 * Takes all memory that putting the `count` ids at `ids` needs; 0 when it ran out, with nothing visible changed. A group whose ids
 * come in several calls names in each the number it puts altogether.
 */
export function reserve(index: usize, ids: usize, count: u32, groupCount: u32): u32 {
  const highWater = load<u32>(index, IX_HIGH_WATER);
  let records = highWater;
  for (let i: u32 = 0; i < count; i++) records = max<u32>(records, load<u32>(ids + (i << 2)) + 1);
  if (!ensureRecords(index, index + IX_VECTORS, records)) return 0;
  if (isCodesOnly(index) && !reserveCodes(index, records)) return 0;
  const reserved = load<u32>(index, IX_GRAPH_RESERVED) != 0;
  if (!reserved && load<u32>(index, IX_LIVE) + groupCount <= load<u32>(index, IX_FLAT_THRESHOLD)) return 1;
  if (!ensureRecords(index, index + IX_LINKS, records)) return 0;
  if (load<u32>(index, IX_CODE_BITS) != 0 && !reserveCodes(index, records)) return 0;
  if (!reserved) for (let id: u32 = 0; id < highWater; id++) if (!ensureUpper(index, id)) return 0;
  for (let i: u32 = 0; i < count; i++) if (!ensureUpper(index, load<u32>(ids + (i << 2)))) return 0;
  store<u32>(index, 1, IX_GRAPH_RESERVED);
  return 1;
}

function reserveCodes(index: usize, records: u32): bool {
  return ensureCentre(index) && ensureRecords(index, index + IX_CODES, records);
}

/** Writes a vector of `dim` components under a reserved id that is not live, then links it or part of the backlog. */
export function put(scratch: usize, index: usize, id: u32, source: usize): void {
  const record = recordAt(index + IX_VECTORS, id);
  const dim = load<u32>(index, IX_DIM);
  if (load<u32>(record, R_DIED) != 0) store<u32>(index, load<u32>(index, IX_DEAD) - 1, IX_DEAD);
  const norm = normOf(source, dim);
  const scale: f64 = load<u32>(index, IX_DISTANCE) == COSINE ? (norm > 0 ? 1 / norm : 0) : 1;
  atomic.store<u32>(record, load<u32>(index, IX_PUBLISHED) + 1, R_BORN);
  const codesOnly = isCodesOnly(index);
  const vector = codesOnly ? scratch + S_QUERY : record + RECORD_HEADER_BYTES;
  copyScaled(vector, source, dim, load<u32>(index, IX_VECTOR_BYTES), scale);
  store<f32>(record, <f32>norm, R_NORM);
  atomic.store<u32>(record, NEVER, R_DIED);
  if (codesOnly) putCodes(scratch, index, id, vector);
  store<u32>(index, load<u32>(index, IX_LIVE) + 1, IX_LIVE);
  if (id >= load<u32>(index, IX_HIGH_WATER)) atomic.store<u32>(index, id + 1, IX_HIGH_WATER);
  if (load<u32>(index, IX_GRAPH_STARTED) == 0) {
    if (load<u32>(index, IX_LIVE) <= load<u32>(index, IX_FLAT_THRESHOLD)) {
      store<u32>(scratch, 0, S_STORED_QUERY);
      return;
    }
    if (load<u32>(index, IX_CODE_BITS) != 0 && !codesOnly) placeCentre(index);
    store<u32>(index, 1, IX_GRAPH_STARTED);
  }
  if (id < load<u32>(index, IX_LINK_CURSOR)) link(scratch, index, id);
  linkBacklog(scratch, index);
  store<u32>(scratch, 0, S_STORED_QUERY);
}

/** Links up to BACKLOG_LINKS_PER_PUT vectors from the cursor on; ids that are dead or were never put cost nothing. */
function linkBacklog(scratch: usize, index: usize): void {
  const highWater = load<u32>(index, IX_HIGH_WATER);
  const stamp = load<u32>(index, IX_PUBLISHED) + 1;
  let cursor = load<u32>(index, IX_LINK_CURSOR);
  let budget = BACKLOG_LINKS_PER_PUT;
  while (cursor < highWater && budget > 0) {
    const id = cursor++;
    store<u32>(index, cursor, IX_LINK_CURSOR);
    if (!isVisible(recordAt(index + IX_VECTORS, id), stamp)) continue;
    link(scratch, index, id);
    budget--;
  }
}

/** Ends the life of a live vector at the stamp of this group. */
export function remove(index: usize, id: u32): void {
  const stamp = load<u32>(index, IX_PUBLISHED) + 1;
  atomic.store<u32>(recordAt(index + IX_VECTORS, id), stamp, R_DIED);
  if (isCoded(index, id)) atomic.store<u32>(recordAt(index + IX_CODES, id), stamp, R_DIED);
  store<u32>(index, load<u32>(index, IX_LIVE) - 1, IX_LIVE);
  store<u32>(index, load<u32>(index, IX_DEAD) + 1, IX_DEAD);
  if (id < load<u32>(index, IX_LINK_CURSOR)) store<u32>(index, load<u32>(index, IX_LINKED_LIVE) - 1, IX_LINKED_LIVE);
}

/** Whether the id has a code record in use: its vector was linked, or is nothing but its code. */
@inline function isCoded(index: usize, id: u32): bool {
  return load<u32>(index, IX_CODE_BITS) != 0 && (isCodesOnly(index) || id < load<u32>(index, IX_LINK_CURSOR)) && load<u32>(recordAt(index + IX_CODES, id), R_DIED) != 0;
}

/** Makes the group visible to searches that start from now on. */
export function publish(index: usize): void {
  const stamp = load<u32>(index, IX_PUBLISHED) + 1;
  const linked = load<u32>(index, IX_GRAPH_STARTED) != 0 && load<u32>(index, IX_LINK_CURSOR) == load<u32>(index, IX_HIGH_WATER);
  store<u32>(index + ((stamp & 1) << 2), load<u32>(index, IX_LIVE), IX_LIVE_AT);
  atomic.store<u32>(index, linked ? 1 : 0, IX_GRAPH_READY);
  atomic.store<u32>(index, stamp, IX_PUBLISHED);
}

/** Repairs the graph around a vector whose removal was published. */
export function repair(scratch: usize, index: usize, id: u32): void {
  if (id < load<u32>(index, IX_LINK_CURSOR)) unlink(scratch, index, id);
}

@inline function rebaseRecord(record: usize, died: u32): void {
  if (died != 0 && died != NEVER) atomic.store<u32>(record, 1, R_DIED);
  atomic.store<u32>(record, 1, R_BORN);
}

/**
 * Starts the stamps anew at 2 before they could overflow. The host waits for every search that started before the last publish,
 * calls this, and waits for all searches again before the next group: a search in between sees the same vectors at either stamp.
 */
export function rebase(index: usize): void {
  const highWater = load<u32>(index, IX_HIGH_WATER);
  for (let id: u32 = 0; id < highWater; id++) {
    const record = recordAt(index + IX_VECTORS, id);
    const died = load<u32>(record, R_DIED);
    rebaseRecord(record, died);
    if (isCoded(index, id)) rebaseRecord(recordAt(index + IX_CODES, id), died);
  }
  store<u32>(index, load<u32>(index, IX_LIVE), IX_LIVE_AT);
  atomic.store<u32>(index, 2, IX_PUBLISHED);
}

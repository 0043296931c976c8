import type { SearchHits } from '@shoal/index';
import { ShoalError, type SearchAnswer, type SearchHit, type SearchItem, type VecId, type VectorKey } from '@shoal/protocol';
import type { ShardStore } from '@shoal/store';
import type { ActivePartition } from './partition-state.ts';
import { PACE, RUN_OPERATIONS, SLOT_LIMITS } from './limits.ts';
import type { PreparedFilter } from './payload-index/prepared-filter.ts';
import { filterOf, passes, partitionNow } from './read-partition.ts';
import type { SearchProbe } from './search-probe.ts';
import type { SlotMachine } from './slot-machine.ts';

export interface FoundHit {
  readonly key: VectorKey;
  readonly distance: number;
}

/**
 * Searches one partition. The answer is what the partition held at one moment not before `appliedSequence`: the index
 * gives a consistent view, and values or payloads that went away since make the search run again on a newer view.
 */
export async function searchPartition(machine: SlotMachine, item: SearchItem, probe?: SearchProbe): Promise<SearchAnswer> {
  if (item.after > machine.appliedSequence) await machine.waitApplied(item.after, item.timeoutMs);
  for (let attempt = 1; ; attempt += 1) {
    const asked = partitionNow(machine, item);
    const filter = asked === undefined || item.filter === undefined ? undefined : await filterOf(machine, asked, item);
    const appliedSequence = machine.appliedSequence;
    const partition = partitionNow(machine, item);
    if (partition === undefined) return { ok: true, appliedSequence, path: 'flat', distanceComputations: 0, hits: [] };
    if (item.vector.length !== partition.spec.dim) {
      throw new ShoalError('dimension_mismatch', `The query has ${item.vector.length} components, the embedding ${partition.spec.dim}.`, { field: 'vector', limit: partition.spec.dim });
    }
    const operationCount = partition.operationCount;
    const { vector, k, path } = item;
    const idFilter = filter === undefined ? undefined : partition.filters.idFilter(partition, filter);
    const engineAnswered = probe?.engineAsked();
    const found = await partition.index.search({
      vector, k, ef: Math.max(item.ef, k), path,
      ...(item.rerank === 0 ? {} : { rerank: item.rerank }),
      ...(idFilter === undefined ? {} : { filter: idFilter }),
    });
    // Keys are read before anything else can run, while none of these ids can have been given to another vector.
    const hits = keysOf(partition, found, item.maxDistance ?? Infinity);
    engineAnswered?.({ partition, item, filter: idFilter, found, operationCount });
    const withRows = item.includeValues || item.includePayload;
    const complete = found.goneCount > 0 ? undefined : withRows ? await addRows(machine.store, partition, item, filter, hits, found.ids, operationCount) : hits;
    if (complete !== undefined) return { ok: true, appliedSequence, path: found.path, distanceComputations: found.distanceComputations, hits: complete };
    if (attempt === PACE.searchAttempts) {
      throw new ShoalError('overloaded', 'Vectors changed faster than their values could be read. Try again.');
    }
    // The rows of a run are written right after its vectors become visible: wait for the run under way.
    await machine.settled();
  }
}

/** The found vectors by their keys, as far as they are near enough; nearest first, so nothing follows one that is not. */
export function keysOf({ keys }: ActivePartition, { ids, distances }: SearchHits, maxDistance: number): FoundHit[] {
  const hits: FoundHit[] = [];
  for (let i = 0; i < ids.length; i += 1) {
    const distance = distances[i] ?? Number.NaN;
    if (!(distance <= maxDistance)) break;
    hits.push({ key: keys.get(ids[i] as VecId), distance });
  }
  return hits;
}

/**
 * Undefined when the rows are not those of the hits: a vector was replaced or deleted since the search, its run is not in the
 * store yet and changes payloads, its payload was changed so that it no longer passes the filter, or so many operations passed that an id may name
 * another vector by now.
 */
async function addRows(store: ShardStore, partition: ActivePartition, item: SearchItem, filter: PreparedFilter | undefined, hits: readonly FoundHit[], ids: Uint32Array, operationCount: number): Promise<SearchHit[] | undefined> {
  const found = Array.from(ids.subarray(0, hits.length)) as VecId[];
  const unstored = partition.unstored.of(found);
  const stored = await store.rows(partition.ref, found.filter((_, index) => unstored[index] === undefined), { payloads: item.includePayload });
  let next = 0;
  const rows = unstored.map((row) => row ?? stored[next++]);
  // The store may be ahead of the count by one run, and an id rests for two.
  if (partition.operationCount - operationCount >= SLOT_LIMITS.idGraceOperations - RUN_OPERATIONS) return undefined;
  const complete: SearchHit[] = [];
  for (const [index, { key, distance }] of hits.entries()) {
    const row = rows[index];
    if (row === undefined) return undefined;
    if (item.includePayload && filter !== undefined && !passes(partition, filter, key, row)) return undefined;
    complete.push({ key, distance, ...(item.includeValues ? { values: row.values } : {}), ...(row.payload === undefined || !item.includePayload ? {} : { payload: row.payload }) });
  }
  return complete;
}

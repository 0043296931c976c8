import { LIMITS, type Slot } from '@shoal/protocol';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import { failureOf } from '../failure.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import { partitionsOf, type PlacedPartition } from './placed-embedding.ts';
import { shardTimeoutMs, type QueryResult, type SlotQueries } from './slot-queries.ts';

export interface EmbeddingStatistics {
  readonly vectorCount: number;
  readonly deletedCount: number;
  readonly memoryBytes: number;
  /** Whether any partition has grown a graph. */
  readonly graph: boolean;
  /** False when a partition did not answer in time; the sums then leave it out. */
  readonly complete: boolean;
}

/** Sums what the shards tell about the partitions of an embedding. */
export async function embeddingStatistics(record: EmbeddingRecord, slots: number, queries: SlotQueries): Promise<EmbeddingStatistics> {
  const bySlot = new Map<Slot, PlacedPartition[]>();
  for (const place of partitionsOf(record, slots)) {
    const places = bySlot.get(place.slot);
    if (places === undefined) bySlot.set(place.slot, [place]);
    else places.push(place);
  }
  const messages = [...bySlot].flatMap(([slot, places]) => inMessages(places).map((part) => slotStatistics(record, slot, part, queries)));
  const results = (await Promise.all(messages)).flat();
  const sums = { vectorCount: 0, deletedCount: 0, memoryBytes: 0, graph: false, complete: true };
  for (const result of results) {
    if (!result.ok) {
      sums.complete = false;
      continue;
    }
    sums.vectorCount += result.vectorCount;
    sums.deletedCount += result.deletedCount;
    sums.memoryBytes += result.memoryBytes;
    sums.graph ||= result.graph;
  }
  return sums;
}

/** Cut so that each part fits one query message. */
function inMessages(places: readonly PlacedPartition[]): readonly (readonly PlacedPartition[])[] {
  const parts: (readonly PlacedPartition[])[] = [];
  for (let start = 0; start < places.length; start += LIMITS.searchesPerMessage) parts.push(places.slice(start, start + LIMITS.searchesPerMessage));
  return parts;
}

/** A slot that does not answer fails as one: who asks only wants to know that something is missing. */
async function slotStatistics(record: EmbeddingRecord, slot: Slot, places: readonly PlacedPartition[], queries: SlotQueries): Promise<readonly QueryResult<'partition-stats'>[]> {
  const timeoutMs = GATEWAY_LIMITS.statisticsTimeoutMs;
  const items = places.map(({ partition }) => ({ code: record.spec.code, partition, timeoutMs: shardTimeoutMs(timeoutMs) }));
  try {
    return await queries.ask(slot, 'partition-stats', items, timeoutMs);
  } catch (error) {
    return [failureOf(error)];
  }
}

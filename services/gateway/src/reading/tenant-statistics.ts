import type { UsageResponse } from '@shoal/protocol';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import { embeddingStatistics } from './embedding-statistics.ts';
import type { SlotQueries } from './slot-queries.ts';

export type Stored = UsageResponse['stored'];

/** What a tenant has stored, by asking the shards of its embeddings, a bounded number at a time. */
export async function storedBy(records: readonly EmbeddingRecord[], slots: number, queries: SlotQueries): Promise<Stored> {
  const sums = { embeddings: records.length, vectors: 0, bytes: 0, complete: true };
  const rest = records.values();
  const work = async (): Promise<void> => {
    for (const record of rest) {
      const { vectorCount, memoryBytes, complete } = await embeddingStatistics(record, slots, queries);
      sums.vectors += vectorCount;
      sums.bytes += memoryBytes;
      sums.complete &&= complete;
    }
  };
  await Promise.all(Array.from({ length: GATEWAY_LIMITS.statisticsInFlight }, work));
  return sums;
}

import type { MutationLog } from '@shoal/bus';
import type { Timers } from '@shoal/pacing';
import type { TracedSpan } from '@shoal/telemetry';
import { ShoalError, filterBytes, type CountItem, type CountRequestBody, type Receipt } from '@shoal/protocol';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import type { PlacedPartition } from './placed-embedding.ts';
import { mayBeUnknownReceipt, refuseUnknownReceipt, requiredSequence } from './receipts.ts';
import type { QueryItem, QueryResult, QueryType, SlotQueries } from './slot-queries.ts';

export interface PartitionReadsDependencies {
  readonly log: MutationLog;
  readonly queries: SlotQueries;
  readonly timers: Timers;
}

/** Asks single partitions, and tells a receipt that no write has given from one that takes its time. */
export class PartitionReads {
  readonly #dependencies: PartitionReadsDependencies;

  constructor(dependencies: PartitionReadsDependencies) {
    this.#dependencies = dependencies;
  }

  /** `itemOf` gets the milliseconds that the shard may take. */
  async ask<T extends QueryType>({ slot }: PlacedPartition, type: T, receipt: Receipt, itemOf: (timeoutMs: number) => QueryItem<T>, deadlineMs: number, span?: TracedSpan): Promise<Exclude<QueryResult<T>, { ok: false }>> {
    const { log, queries, timers } = this.#dependencies;
    try {
      return await queries.askOne(slot, type, itemOf, deadlineMs, span);
    } catch (error) {
      if (error instanceof ShoalError && mayBeUnknownReceipt(error.code)) await refuseUnknownReceipt(log, slot, receipt, timers);
      throw error;
    }
  }
}

/** What a count and a scroll ask of a partition alike. */
export function countItem(record: EmbeddingRecord, { partition, slot }: PlacedPartition, { filter, after }: CountRequestBody, timeoutMs: number): CountItem {
  const { code, fields } = record.spec;
  return {
    code, partition, timeoutMs,
    after: requiredSequence(record, partition, slot, after),
    ...(filter === undefined ? {} : { filter: filterBytes(filter, fields) }),
  };
}

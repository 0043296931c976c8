import type { MutationLog } from '@shoal/bus';
import { ShoalError, partitionOf, slotOf, type FetchAnswer, type Receipt, type VectorKey } from '@shoal/protocol';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import type { Timers } from '@shoal/pacing';
import type { TracedSpan } from '@shoal/telemetry';
import { mayBeUnknownReceipt, refuseUnknownReceipt, requiredSequence } from './receipts.ts';
import type { SlotQueries } from './slot-queries.ts';

export type FetchedVector = NonNullable<FetchAnswer['vector']>;

export interface FetchPathDependencies {
  readonly log: MutationLog;
  readonly queries: SlotQueries;
  readonly timers: Timers;
}

/** Reads single vectors by key. */
export class FetchPath {
  readonly #dependencies: FetchPathDependencies;

  constructor(dependencies: FetchPathDependencies) {
    this.#dependencies = dependencies;
  }

  /** Throws `vector_not_found` when no vector has the key, and what reads end with when the shard does not answer in time. */
  async fetch(record: EmbeddingRecord, key: VectorKey, receipt: Receipt, deadlineMs: number, span?: TracedSpan): Promise<FetchedVector> {
    const { log, queries, timers } = this.#dependencies;
    const { code, partitions, name } = record.spec;
    const partition = partitionOf(key, partitions);
    const slot = slotOf(code, partition, log.slots);
    const after = requiredSequence(record, partition, slot, receipt);
    let answer: FetchAnswer;
    try {
      answer = await queries.askOne(slot, 'fetch', (timeoutMs) => ({ code, partition, key, after, timeoutMs, includeSequence: true }), deadlineMs, span);
    } catch (error) {
      if (error instanceof ShoalError && mayBeUnknownReceipt(error.code)) await refuseUnknownReceipt(log, slot, receipt, timers);
      throw error;
    }
    if (answer.vector === undefined) throw new ShoalError('vector_not_found', `No vector of ${name} has this key.`, { field: 'key' });
    return answer.vector;
  }
}

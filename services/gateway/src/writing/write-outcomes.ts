/** What became of the items of a write, from what shards tell of its messages. */
import { ShoalError, type AwaitAppliedAnswer, type Outcome, type VectorKey, type VectorOperation } from '@shoal/protocol';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import { keyReused } from './idempotency-memory.ts';

export interface ItemOutcome {
  readonly key: VectorKey;
  readonly outcome: Outcome;
}

/** Of each message of a write; nothing where the shard no longer remembers. */
export type Answers = readonly Pick<AwaitAppliedAnswer, 'outcomes' | 'deleted'>[];

/** What became of each item, by its index; undefined where the shard no longer remembers. */
export function outcomesByItem(messages: readonly { readonly itemIndexes: readonly number[] }[], answers: Answers, itemCount: number): readonly (Outcome | undefined)[] {
  const byItem = new Array<Outcome | undefined>(itemCount).fill(undefined);
  messages.forEach(({ itemIndexes }, message) => {
    itemIndexes.forEach((item, index) => {
      byItem[item] = answers[message]?.outcomes?.[index];
    });
  });
  return byItem;
}

/** Outcomes that make the whole write fail. */
export function refuseOutcomes({ spec }: EmbeddingRecord, outcomes: readonly (Outcome | undefined)[]): void {
  if (outcomes.includes('embedding_dropped')) {
    throw new ShoalError('embedding_dropped', `The embedding ${spec.name} was dropped before the write was applied.`);
  }
  if (outcomes.includes('key_reused')) throw keyReused();
  const leftOutCount = outcomes.filter((outcome) => outcome === 'memory_full').length;
  if (leftOutCount > 0) {
    throw new ShoalError('engine_memory_full', `${leftOutCount} of ${outcomes.length} vectors did not fit into the memory of their shards and were left out; the others are in. Delete vectors or drop an embedding, give the shards more memory (SHOAL_ENGINE_MEMORY_MB), or add shards.`);
  }
}

export function everyKnown(outcomes: readonly (Outcome | undefined)[]): outcomes is readonly Outcome[] {
  return outcomes.every((outcome) => outcome !== undefined);
}

export function named(operations: readonly VectorOperation[], outcomes: readonly Outcome[]): readonly ItemOutcome[] {
  return operations.flatMap(({ key }, index) => {
    const outcome = outcomes[index];
    return outcome === undefined ? [] : [{ key, outcome }];
  });
}

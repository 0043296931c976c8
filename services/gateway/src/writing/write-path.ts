import type { MutationLog } from '@shoal/bus';
import {
  ShoalError, receiptToJson,
  type OperationId, type Outcome, type Receipt, type Sequence, type Slot, type VectorKey, type VectorOperation, type Wait,
} from '@shoal/protocol';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import type { Clock } from '@shoal/pacing';
import { ExtendedError } from '../failure.ts';
import type { AppliedWait } from './applied-wait.ts';
import { planWrite, receiptOf, type PlannedMessage } from './write-plan.ts';

export interface WritePathDependencies {
  readonly log: MutationLog;
  readonly appliedWait: AppliedWait;
  readonly clock: Clock;
  readonly newOperationId: () => OperationId;
}

export interface WriteOrder {
  readonly operations: readonly VectorOperation[];
  readonly wait: Wait;
  readonly timeoutMs: number;
}

export interface ItemOutcome {
  readonly key: VectorKey;
  readonly outcome: Outcome;
}

export interface WriteResult {
  readonly accepted: number;
  readonly receipt: Receipt;
  /** In the caller's order. Only after `wait: "applied"`, and only when the shards remembered all of them. */
  readonly outcomes?: readonly ItemOutcome[];
}

/**
 * Writes to the log.
 *
 * Invariants:
 * 1. Operations come here parsed as a whole: nothing of a request is published when any item of it is bad.
 * 2. The receipt exists exactly when the log has acknowledged every message of the write.
 * 3. An error after that point carries the receipt: the write will be applied.
 */
export class WritePath {
  readonly #dependencies: WritePathDependencies;

  constructor(dependencies: WritePathDependencies) {
    this.#dependencies = dependencies;
  }

  /** Throws `log_unavailable`, `overloaded`, and with wait "applied" `receipt_timeout` or `embedding_dropped`. */
  async write(record: EmbeddingRecord, { operations, wait, timeoutMs }: WriteOrder): Promise<WriteResult> {
    const { log, clock, newOperationId } = this.#dependencies;
    const deadlineMs = clock.nowMs() + timeoutMs;
    const messages = planWrite(record, operations, log.slots, newOperationId);
    const sequences = await log.publish(messages.map(({ entry }) => entry), { timeoutMs });
    const receipt = receiptOf(messages, sequences);
    const accepted = operations.length;
    if (wait === 'logged') return { accepted, receipt };
    try {
      const byItem = await this.#outcomes(messages, sequences, operations.length, deadlineMs);
      if (byItem.includes('embedding_dropped')) {
        throw new ShoalError('embedding_dropped', `The embedding ${record.spec.name} was dropped before the write was applied.`);
      }
      return everyKnown(byItem) ? { accepted, receipt, outcomes: named(operations, byItem) } : { accepted, receipt };
    } catch (error) {
      throw withReceipt(error, receipt);
    }
  }

  /** What became of each item, by its index; undefined where the shard no longer remembers. */
  async #outcomes(messages: readonly PlannedMessage[], sequences: readonly Sequence[], itemCount: number, deadlineMs: number): Promise<readonly (Outcome | undefined)[]> {
    const bySlot = new Map<Slot, number[]>();
    messages.forEach(({ entry }, index) => {
      const indexes = bySlot.get(entry.address.slot);
      if (indexes === undefined) bySlot.set(entry.address.slot, [index]);
      else indexes.push(index);
    });
    const byItem = new Array<Outcome | undefined>(itemCount).fill(undefined);
    await Promise.all([...bySlot].map(async ([slot, indexes]) => {
      const wanted = indexes.map((index) => sequences[index] ?? (0 as Sequence));
      const answers = await this.#dependencies.appliedWait.wait(slot, wanted, deadlineMs);
      indexes.forEach((messageIndex, position) => {
        const outcomes = answers[position];
        messages[messageIndex]?.itemIndexes.forEach((item, index) => {
          byItem[item] = outcomes?.[index];
        });
      });
    }));
    return byItem;
  }
}

function everyKnown(outcomes: readonly (Outcome | undefined)[]): outcomes is readonly Outcome[] {
  return outcomes.every((outcome) => outcome !== undefined);
}

function named(operations: readonly VectorOperation[], outcomes: readonly Outcome[]): readonly ItemOutcome[] {
  return operations.flatMap(({ key }, index) => {
    const outcome = outcomes[index];
    return outcome === undefined ? [] : [{ key, outcome }];
  });
}

/** The write is in the log, so its caller gets the receipt along with the error. Running out of time has one name here. */
function withReceipt(error: unknown, receipt: Receipt): unknown {
  if (!(error instanceof ShoalError)) return error;
  const code = error.code === 'deadline_exceeded' ? 'receipt_timeout' : error.code;
  const sentence = code === 'embedding_dropped' ? error.message : `The write is logged, but: ${error.message}`;
  return new ExtendedError(code, sentence, { receipt: receiptToJson(receipt) });
}

import { LIMITS, ShoalError, type AwaitAppliedAnswer, type ErrorCode, type Sequence, type Slot } from '@shoal/protocol';
import { pause, type Clock, type Timers } from '@shoal/pacing';
import type { TracedSpan } from '@shoal/telemetry';
import { GATEWAY_LIMITS } from '../limits.ts';
import { shardTimeoutMs, type SlotQueries } from '../reading/slot-queries.ts';

export interface AppliedWaitDependencies {
  readonly queries: SlotQueries;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Errors that may pass before the deadline: the write is in the log, so asking again costs nothing but time. */
const PASSING_ERRORS: ReadonlySet<ErrorCode> = new Set(['slot_unavailable', 'bus_unreachable', 'overloaded']);

/** Waits until shards have applied messages, and tells what became of them there. */
export class AppliedWait {
  readonly #dependencies: AppliedWaitDependencies;

  constructor(dependencies: AppliedWaitDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * What became of each message, as far as the shard remembers. Asks again while no shard can answer for the slot.
   * Throws `receipt_timeout` or `deadline_exceeded` at the deadline, or the error of the shard.
   */
  async wait(slot: Slot, sequences: readonly Sequence[], deadlineMs: number, span?: TracedSpan): Promise<readonly AwaitAppliedAnswer[]> {
    const all: AwaitAppliedAnswer[] = [];
    for (let start = 0; start < sequences.length; start += LIMITS.searchesPerMessage) {
      const answers = await this.#ask(slot, sequences.slice(start, start + LIMITS.searchesPerMessage), deadlineMs, span);
      all.push(...answers);
    }
    return all;
  }

  async #ask(slot: Slot, sequences: readonly Sequence[], deadlineMs: number, span: TracedSpan | undefined): Promise<readonly AwaitAppliedAnswer[]> {
    const { queries, clock, timers } = this.#dependencies;
    for (;;) {
      const remainingMs = deadlineMs - clock.nowMs();
      if (remainingMs <= 0) throw new ShoalError('receipt_timeout', `Slot ${slot} did not apply the write before the deadline.`);
      try {
        const timeoutMs = shardTimeoutMs(remainingMs);
        const results = await queries.ask(slot, 'await-applied', sequences.map((sequence) => ({ sequence, timeoutMs })), remainingMs, span === undefined ? [] : [span]);
        return results.map((result) => {
          if (result.ok) return result;
          throw new ShoalError(result.error, result.message);
        });
      } catch (error) {
        if (!(error instanceof ShoalError) || !PASSING_ERRORS.has(error.code)) throw error;
        await pause(timers, Math.min(GATEWAY_LIMITS.appliedRetryDelayMs, Math.max(1, remainingMs)));
      }
    }
  }
}

import type { MutationLog } from '@shoal/bus';
import { pause, type Timers } from '@shoal/pacing';
import { ShoalError, type Sequence, type Slot } from '@shoal/protocol';
import { SHARD_LIMITS } from './limits.ts';

export interface LogWatchOptions {
  readonly log: Pick<MutationLog, 'origin' | 'trimmedBefore'>;
  readonly slot: Slot;
  /** The oldest message at or beyond a sequence that the replica remembers to have applied; 0 when there is none. */
  readonly rememberedFrom: (sequence: Sequence) => Sequence;
  readonly timers: Timers;
}

/**
 * Whether the log that a replica follows is still there as it was: a stream that was emptied or made anew goes on without a gap that its
 * readers could see. What a replica applied long ago must be there, unless a trim was announced beyond it; so the loss is found also when the
 * replica has applied what came after, and again after a restart.
 */
export class LogWatch {
  readonly #options: LogWatchOptions;
  #made: string | undefined;

  constructor(options: LogWatchOptions) {
    this.#options = options;
  }

  /** Rejects with `log_incompatible` when messages are lost. */
  async look(): Promise<void> {
    const { log, slot, rememberedFrom } = this.#options;
    const { made, firstSequence } = await log.origin(slot);
    this.#made ??= made;
    if (made !== this.#made) throw lost(slot, 'was made anew while it was followed');
    const oldest = rememberedFrom(0 as Sequence);
    if (oldest === 0 || firstSequence <= oldest) return;
    const kept = rememberedFrom(await log.trimmedBefore(slot));
    if (kept > 0 && firstSequence > kept) throw lost(slot, `begins at ${firstSequence}, behind ${kept}, which was applied, and was not trimmed`);
  }

  /** Looks again and again. Resolves with the error that the replica ends with; with nothing when the signal aborted. */
  async untilLost(signal: AbortSignal): Promise<ShoalError | undefined> {
    while (!signal.aborted) {
      await pause(this.#options.timers, SHARD_LIMITS.logLookMs, signal);
      try {
        if (!signal.aborted) await this.look();
      } catch (error) {
        if (!(error instanceof ShoalError)) throw error;
        // A log that cannot be asked is told from one that was lost when it answers again.
        if (error.code === 'log_incompatible') return error;
      }
    }
    return undefined;
  }
}

function lost(slot: Slot, how: string): ShoalError {
  return new ShoalError('log_incompatible', `The log of slot ${slot} ${how}: messages are lost. The slot does not answer.`);
}

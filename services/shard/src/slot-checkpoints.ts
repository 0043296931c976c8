import { pause, type Timers } from '@shoal/pacing';
import type { Slot } from '@shoal/protocol';
import type { ActivePartition, SlotMachine } from '@shoal/shard-core';
import type { Logger } from 'pino';
import { SHARD_LIMITS } from './limits.ts';
import type { OneAtATime } from './one-at-a-time.ts';

export interface SlotCheckpointsOptions {
  readonly slot: Slot;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Shared by the slots of a shard: files are large. */
  readonly turns: OneAtATime;
}

/** Decides when the indexes of a slot are written to files. What fails is tried again; a start without a file is slower, nothing more. */
export class SlotCheckpoints {
  readonly #options: SlotCheckpointsOptions;
  /** Operations of each partition, and how many looks in a row found as many. */
  readonly #seen = new WeakMap<ActivePartition, { readonly operationCount: number; readonly lookCount: number }>();

  constructor(options: SlotCheckpointsOptions) {
    this.#options = options;
  }

  /** Looks again and again, until the signal aborts: partitions to which nobody writes get their file sooner. */
  async keep(machine: SlotMachine, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(this.#options.timers, SHARD_LIMITS.checkpointLookMs, signal);
      await this.#take(machine, (partition) => this.#isQuiet(partition), signal);
    }
  }

  /** Takes what is worth it before the slot closes, for a bounded time. */
  async last(machine: SlotMachine): Promise<void> {
    const deadline = new AbortController();
    const cancel = this.#options.timers.after(SHARD_LIMITS.lastCheckpointMs, () => deadline.abort());
    await this.#take(machine, () => true, deadline.signal);
    cancel();
  }

  #isQuiet(partition: ActivePartition): boolean {
    const { operationCount } = partition;
    const before = this.#seen.get(partition);
    const lookCount = before?.operationCount === operationCount ? before.lookCount + 1 : 0;
    this.#seen.set(partition, { operationCount, lookCount });
    return lookCount >= SHARD_LIMITS.quietLooks;
  }

  async #take(machine: SlotMachine, soon: (partition: ActivePartition) => boolean, signal: AbortSignal): Promise<void> {
    const { slot, logger, turns } = this.#options;
    try {
      const fileBytes = await turns.run(() => (signal.aborted ? Promise.resolve(0) : machine.checkpoint(soon, signal)));
      if (fileBytes > 0) logger.debug({ slot, fileBytes }, 'indexes were written to files');
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error, slot }, 'the indexes of a slot could not be written to files; it is tried again');
    }
  }
}

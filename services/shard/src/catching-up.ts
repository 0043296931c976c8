import type { SlotMachine, SlotMessage } from '@shoal/shard-core';
import { SHARD_LIMITS } from './limits.ts';
import { OneAtATime } from './one-at-a-time.ts';

/**
 * How the slots of a shard that catch up with the log share the engine's one writer with those that serve: in turns and in small steps, so that a
 * write to a slot that serves waits for one such step and not for a large one of every slot that came to the shard.
 */
export class CatchingUp {
  readonly #turns = new OneAtATime();
  readonly #isAnyServing: () => boolean;

  /** `isAnyServing`: whether there is anybody to leave room to. */
  constructor(isAnyServing: () => boolean) {
    this.#isAnyServing = isAnyServing;
  }

  /** Resolves when all messages are applied; rejects as the machine does. */
  async apply(machine: Pick<SlotMachine, 'apply'>, messages: readonly SlotMessage[]): Promise<void> {
    for (let start = 0; start < messages.length; ) {
      const leavesRoom = this.#isAnyServing();
      const step = messages.slice(start, leavesRoom ? endOfStep(messages, start) : messages.length);
      await (leavesRoom ? this.#turns.run(() => machine.apply(step)) : machine.apply(step));
      start += step.length;
    }
  }
}

/** At least one message, and no more than SHARD_LIMITS.catchUpStepBytes where that is possible. */
function endOfStep(messages: readonly SlotMessage[], start: number): number {
  let end = start + 1;
  for (let bytes = messages[start]?.bytes.length ?? 0; end < messages.length; end += 1) {
    bytes += messages[end]?.bytes.length ?? 0;
    if (bytes > SHARD_LIMITS.catchUpStepBytes) break;
  }
  return end;
}

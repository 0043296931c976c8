/**
 * Runs that are planned and not yet in the store: one on its way into the index, one whose rows are on their way to the disk. The next run may be
 * prepared meanwhile, so that the engine's writer waits for neither.
 */
import type { VectorKey } from '@shoal/protocol';
import { idempotencyIdOf } from './idempotency-window.ts';
import type { WriteRun } from './message-runs.ts';

export class RunsUnderWay {
  /** What each run names; undefined where nothing may be prepared before its rows are in the store. */
  readonly #keys = new Map<WriteRun, ReadonlySet<VectorKey> | undefined>();

  begin(run: WriteRun): void {
    this.#keys.set(run, isFreeOfIds(run) ? new Set(keysOf(run)) : undefined);
  }

  end(run: WriteRun): void {
    this.#keys.delete(run);
  }

  /**
   * Whether what a run has to know of the store is the same before and after those under way are in it: it names no key and repeats no message of
   * them, and no message that may be repeated under an idempotency key is in any of them.
   */
  leaveAlone(run: WriteRun): boolean {
    if (this.#keys.size === 0) return true;
    if (!isFreeOfIds(run)) return false;
    for (const keys of this.#keys.values()) {
      if (keys === undefined) return false;
      for (const key of keysOf(run)) if (keys.has(key)) return false;
    }
    return true;
  }
}

function* keysOf({ writes }: WriteRun): Generator<VectorKey> {
  for (const { mutation } of writes) for (const { key } of mutation.operations) yield key;
}

function isFreeOfIds({ writes }: WriteRun): boolean {
  return writes.every(({ mutation }) => idempotencyIdOf(mutation) === undefined);
}

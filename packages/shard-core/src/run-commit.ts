/**
 * The commit of a run whose vectors are in the index. The next run may be planned and put into the index meanwhile, so that the engine's writer does
 * not wait for the disk; its own commit begins after this one.
 */
import type { VectorKey } from '@shoal/protocol';
import { idempotencyIdOf } from './idempotency-window.ts';
import type { WriteRun } from './message-runs.ts';

export class RunCommit {
  #done: Promise<void> = Promise.resolve();
  #isUnderWay = false;
  /** What the run names; undefined where nothing may be planned before its rows are in the store. */
  #keys: ReadonlySet<VectorKey> | undefined;

  /** Follows a commit that was begun; `run` is absent where the next one has to wait for it. The one before must be done. */
  begin(commit: Promise<void>, run?: WriteRun): void {
    this.#isUnderWay = true;
    this.#keys = run === undefined || !isFreeOfIds(run) ? undefined : new Set(keysOf(run));
    this.#done = commit.then(() => {
      this.#isUnderWay = false;
    });
    // Whoever waits for it is told; until then nobody may.
    this.#done.catch(() => undefined);
  }

  /** Resolves when nothing is under way; rejects when the last commit failed. */
  done(): Promise<void> {
    return this.#done;
  }

  /** Whether the rows that a run has to know are the same before and after the commit: it names no key of it, and no message that may be repeated is in either. */
  leavesAlone(run: WriteRun): boolean {
    if (!this.#isUnderWay) return true;
    const keys = this.#keys;
    if (keys === undefined || !isFreeOfIds(run)) return false;
    for (const key of keysOf(run)) if (keys.has(key)) return false;
    return true;
  }
}

function* keysOf({ writes }: WriteRun): Generator<VectorKey> {
  for (const { mutation } of writes) for (const { key } of mutation.operations) yield key;
}

function isFreeOfIds({ writes }: WriteRun): boolean {
  return writes.every(({ mutation }) => idempotencyIdOf(mutation) === undefined);
}

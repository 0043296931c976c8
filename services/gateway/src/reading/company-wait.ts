import type { Timers } from '@shoal/pacing';
import type { LaneLimits } from '../limits.ts';

/** A search that has less time left than so many waits does not wait. */
const HURRIED_WAITS = 4;

/** How searches of one lane wait until they are worth a message: by the lane's limits, and for `companyWaitMs` at most. */
export class CompanyWait {
  readonly #limits: LaneLimits;
  readonly #timers: Timers;
  readonly #onOver: () => void;
  #cancel: (() => void) | undefined;
  #isOver = false;

  /** `onOver` is called when they have waited long enough. */
  constructor(limits: LaneLimits, timers: Timers, onOver: () => void) {
    this.#limits = limits;
    this.#timers = timers;
    this.#onOver = onOver;
  }

  /** Whether so many searches are worth a message while so many others are under way; where they are not, they wait from now on. */
  mayLeave(searchCount: number, inFlightCount: number): boolean {
    const { companySearches, companyShare, companyWaitMs } = this.#limits;
    if (this.#isOver || searchCount >= Math.min(companySearches, companyShare * inFlightCount)) return true;
    this.#cancel ??= this.#timers.after(companyWaitMs, () => this.#end());
    return false;
  }

  /** Nobody waits longer who has so little time left that the wait could be a good part of it. */
  hurry(remainingMs: number): void {
    if (remainingMs < this.#limits.companyWaitMs * HURRIED_WAITS) this.#isOver = true;
  }

  /** What waited has left, or is no more. */
  reset(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#isOver = false;
  }

  #end(): void {
    this.#isOver = true;
    this.#onOver();
  }
}

import { EngineOverloadedError } from './errors.ts';
import { SEARCHES_WAITING_MAX } from './limits.ts';
import type { PendingSearch, SearchThread } from './search-thread.ts';

/** Gives each search to the thread with the fewest under way; keeps a bounded number waiting when all are full. */
export class SearchDispatch {
  #threads: readonly SearchThread[] = [];
  #waiting: PendingSearch[] = [];
  #nextWaiting = 0;

  start(threads: readonly SearchThread[]): void {
    this.#threads = threads;
  }

  get inFlightCount(): number {
    return this.#waitingCount + this.#threads.reduce((sum, thread) => sum + thread.inFlightCount, 0);
  }

  get #waitingCount(): number {
    return this.#waiting.length - this.#nextWaiting;
  }

  submit(search: PendingSearch): void {
    const thread = this.#waitingCount === 0 ? this.#leastBusy() : undefined;
    if (thread !== undefined) thread.submit(search);
    else if (this.#waitingCount < SEARCHES_WAITING_MAX) this.#waiting.push(search);
    else search.reject(new EngineOverloadedError('searches'));
  }

  /** Hands waiting searches to threads that have space. */
  refill(): void {
    while (this.#waitingCount > 0) {
      const thread = this.#leastBusy();
      if (thread === undefined) return;
      thread.submit(this.#waiting[this.#nextWaiting++] as PendingSearch);
    }
    this.#waiting = [];
    this.#nextWaiting = 0;
  }

  fail(error: Error): void {
    const waiting = this.#waiting.slice(this.#nextWaiting);
    this.#waiting = [];
    this.#nextWaiting = 0;
    for (const search of waiting) search.reject(error);
    for (const thread of this.#threads) thread.fail(error);
  }

  #leastBusy(): SearchThread | undefined {
    let best: SearchThread | undefined;
    for (const thread of this.#threads) {
      if (thread.hasSpace && (best === undefined || thread.inFlightCount < best.inFlightCount)) best = thread;
    }
    return best;
  }
}

import { EngineOverloadedError } from './errors.ts';
import type { FilterPool } from './filter-pool.ts';
import { SEARCHES_WAITING_MAX } from './limits.ts';
import type { PendingSearch, SearchThread } from './search-thread.ts';

/** Gives each search to the thread with the fewest under way; keeps a bounded number waiting, in order, when all are full. */
export class SearchDispatch {
  #threads: readonly SearchThread[] = [];
  readonly #filters: FilterPool;
  #waiting: PendingSearch[] = [];
  #nextWaiting = 0;

  constructor(filters: FilterPool) {
    this.#filters = filters;
  }

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
    if (this.#waitingCount === 0 && this.#hand(search)) return;
    if (this.#waitingCount < SEARCHES_WAITING_MAX) this.#waiting.push(search);
    else search.reject(new EngineOverloadedError('searches'));
  }

  /** Hands waiting searches to threads that have space. */
  refill(): void {
    while (this.#waitingCount > 0) {
      if (!this.#hand(this.#waiting[this.#nextWaiting] as PendingSearch)) return;
      this.#nextWaiting++;
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

  /** Hands a search to a thread; false where none has space, or the filters under way leave no room for its own. */
  #hand(search: PendingSearch): boolean {
    const thread = this.#leastBusy();
    if (thread === undefined) return false;
    const filter = search.request.filter === undefined ? 0 : this.#filters.acquire(search.request.filter);
    if (filter === undefined) return false;
    thread.submit(search, filter);
    return true;
  }

  #leastBusy(): SearchThread | undefined {
    let best: SearchThread | undefined;
    for (const thread of this.#threads) {
      if (thread.hasSpace && (best === undefined || thread.inFlightCount < best.inFlightCount)) best = thread;
    }
    return best;
  }
}

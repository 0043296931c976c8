import { EngineOverloadedError } from './errors.ts';
import type { FilterPool } from './filter-pool.ts';
import { SEARCHES_WAITING_MAX } from './limits.ts';
import type { OwnSearches } from './own-searches.ts';
import type { SearchBatch } from './search-batch.ts';
import type { SearchThread } from './search-thread.ts';

/**
 * Lets the calling thread search while it has time to spare, and gives other queries to the thread with the fewest under way. A bounded number of batches waits in line when all are full; each gives a piece in its
 * turn and stands in line again with the rest, so that a long one does not hold up those behind it.
 */
export class SearchDispatch {
  #threads: readonly SearchThread[] = [];
  readonly #filters: FilterPool;
  /** Searches of the calling thread, where it does any. */
  readonly #own: OwnSearches | undefined;
  #waiting: SearchBatch[] = [];
  #nextWaiting = 0;

  /** `own` is told where to give what it has no time for. */
  constructor(filters: FilterPool, own?: (onLeft: (batch: SearchBatch) => void) => OwnSearches) {
    this.#filters = filters;
    this.#own = own?.((batch) => { this.hand(batch); });
  }

  start(threads: readonly SearchThread[]): void {
    this.#threads = threads;
  }

  /** Queries that wait or are under way. */
  get inFlightCount(): number {
    const waiting = this.#waiting.slice(this.#nextWaiting).reduce((sum, batch) => sum + batch.waitingCount, 0);
    return waiting + (this.#own?.waitingCount ?? 0) + this.#threads.reduce((sum, thread) => sum + thread.inFlightCount, 0);
  }

  get #lineLength(): number {
    return this.#waiting.length - this.#nextWaiting;
  }

  submit(batch: SearchBatch): void {
    if (this.#lineLength === 0 && this.#own?.offer(batch) === true) return;
    this.hand(batch);
  }

  /** Gives the rest of a batch to threads, or a place in line. */
  hand(batch: SearchBatch): void {
    while (this.#lineLength === 0 && this.#handPiece(batch)) if (batch.waitingCount === 0) return;
    // A batch of which a thread has taken something is not turned away: it found an empty line.
    if (this.#lineLength < SEARCHES_WAITING_MAX) this.#waiting.push(batch);
    else batch.fail(new EngineOverloadedError('searches'));
  }

  /** Hands waiting queries to threads that have space. */
  refill(): void {
    while (this.#lineLength > 0) {
      const batch = this.#waiting[this.#nextWaiting] as SearchBatch;
      if (!this.#handPiece(batch)) return;
      this.#nextWaiting++;
      if (batch.waitingCount > 0) this.#waiting.push(batch);
      this.#forgetServed();
    }
  }

  /** Drops what has left the line once it is half of the list. */
  #forgetServed(): void {
    if (this.#nextWaiting * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#nextWaiting);
    this.#nextWaiting = 0;
  }

  fail(error: Error): void {
    const waiting = this.#waiting.slice(this.#nextWaiting);
    this.#waiting = [];
    this.#nextWaiting = 0;
    for (const batch of waiting) batch.fail(error);
    this.#own?.fail(error);
    for (const thread of this.#threads) thread.fail(error);
  }

  /** Hands a piece to a thread; false where none has space, or the filters under way leave no room for its own. */
  #handPiece(batch: SearchBatch): boolean {
    const thread = this.#leastBusy();
    if (thread === undefined) return false;
    const { filter } = batch.parts.settings;
    const address = filter === undefined ? 0 : this.#filters.acquire(filter);
    if (address === undefined) return false;
    thread.submit(batch.take(this.#threads.length), address);
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

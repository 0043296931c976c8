import type { Worker } from 'node:worker_threads';
import { PATH_CODES } from '@shoal/kernel';
import type { Address } from '@shoal/kernel';
import { readAnswer } from './answer.ts';
import type { FilterPool } from './filter-pool.ts';
import type { EngineFailedError } from './errors.ts';
import { SLOTS_PER_THREAD } from './limits.ts';
import { RequestRing } from './request-ring.ts';
import type { SearchHits, SearchRequest } from './search-request.ts';
import type { SearchWorkerData } from './search-worker.ts';
import { startWorker, watchWorker } from './worker-thread.ts';

/** A search on its way; exactly one of the two callbacks is called. */
export interface PendingSearch {
  readonly index: Address;
  readonly request: SearchRequest;
  /** Candidates to re-rank altogether. */
  readonly rerankCount: number;
  readonly resolve: (hits: SearchHits) => void;
  readonly reject: (error: Error) => void;
}

/** The main thread's side of one search thread. Searches of one tick wake the thread once. */
export class SearchThread {
  readonly #worker: Worker;
  readonly #ring: RequestRing;
  readonly #pending: PendingSearch[] = [];
  readonly #filters: FilterPool;
  readonly #onSpace: () => void;
  #submitted = 0;
  #completed = 0;
  #wakeScheduled = false;
  #closing = false;
  readonly #exited: Promise<void>;

  constructor(data: SearchWorkerData, filters: FilterPool, onSpace: () => void, onDeath: (error: EngineFailedError) => void) {
    this.#ring = new RequestRing(data.memory, data.ring);
    this.#filters = filters;
    this.#onSpace = onSpace;
    this.#worker = startWorker('search-worker', data);
    this.#worker.on('message', () => { this.#drain(); });
    this.#exited = new Promise((resolve) => { this.#worker.once('exit', () => { resolve(); }); });
    watchWorker(this.#worker, () => this.#closing, onDeath);
  }

  get inFlightCount(): number {
    return this.#pending.length;
  }

  get hasSpace(): boolean {
    return this.#pending.length < SLOTS_PER_THREAD;
  }

  /** Takes a search and the address of its filter, 0 without one; only when there is space. */
  submit(search: PendingSearch, filter: Address): void {
    const { vector, k, ef, path } = search.request;
    this.#ring.write(this.#submitted, search.index, k, ef, PATH_CODES[path], search.rerankCount, filter, vector);
    this.#pending.push(search);
    this.#submitted = (this.#submitted + 1) >>> 0;
    if (this.#wakeScheduled) return;
    this.#wakeScheduled = true;
    queueMicrotask(() => {
      this.#wakeScheduled = false;
      this.#ring.submit(this.#submitted);
    });
  }

  #drain(): void {
    const completed = this.#ring.takeCompleted();
    const count = (completed - this.#completed) >>> 0;
    const settled = this.#pending.splice(0, count);
    const hits = settled.map((search, i) => (
      readAnswer(this.#ring.u32, this.#ring.f32, this.#ring.answerAt((this.#completed + i) >>> 0), search.request.k)));
    this.#completed = completed;
    for (const { request } of settled) if (request.filter !== undefined) this.#filters.release(request.filter);
    settled.forEach((search, i) => { search.resolve(hits[i] as SearchHits); });
    this.#onSpace();
  }

  /** Rejects everything under way. */
  fail(error: Error): void {
    for (const search of this.#pending.splice(0)) search.reject(error);
  }

  /** Ends the thread; what was submitted must have settled, or failed. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#ring.close();
    await this.#exited;
  }
}

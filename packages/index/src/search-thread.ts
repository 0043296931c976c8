import type { Worker } from 'node:worker_threads';
import { PATH_CODES } from '@shoal/kernel';
import type { Address } from '@shoal/kernel';
import type { FilterPool } from './filter-pool.ts';
import type { EngineFailedError } from './errors.ts';
import { SLOTS_PER_THREAD } from './limits.ts';
import { queriesPerRequest, RequestRing } from './request-ring.ts';
import { mayShare } from './search-batch.ts';
import type { BatchParts, SearchPiece } from './search-batch.ts';
import type { SearchHits } from './search-request.ts';
import type { SearchWorkerData } from './search-worker.ts';
import { startWorker, watchWorker } from './worker-thread.ts';

/** What one slot of the ring carries. */
interface RingRequest {
  readonly parts: BatchParts;
  readonly pieces: SearchPiece[];
  queryCount: number;
}

/**
 * The main thread's side of one search thread. Searches of one tick wake the thread once, and those of them that want the same, as the searches of
 * one message do, share requests.
 */
export class SearchThread {
  readonly #worker: Worker;
  readonly #ring: RequestRing;
  readonly #pending: RingRequest[] = [];
  readonly #filters: FilterPool;
  readonly #onSpace: () => void;
  /** Queries under way. */
  #inFlightCount = 0;
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

  /** Queries under way. */
  get inFlightCount(): number {
    return this.#inFlightCount;
  }

  get hasSpace(): boolean {
    return this.#inFlightCount < SLOTS_PER_THREAD;
  }

  /** Takes a piece of a batch and the address of its filter, 0 without one; only when there is space. */
  submit(piece: SearchPiece, filter: Address): void {
    const { batch, count } = piece;
    const request = this.#openRequest(piece) ?? this.#newRequest(batch.parts, filter);
    this.#ring.addQueries((this.#submitted - 1) >>> 0, batch.parts.dim, batch.queriesOf(piece));
    request.pieces.push(piece);
    request.queryCount += count;
    this.#inFlightCount += count;
    if (this.#wakeScheduled) return;
    this.#wakeScheduled = true;
    queueMicrotask(() => {
      this.#wakeScheduled = false;
      this.#ring.submit(this.#submitted);
    });
  }

  /** The newest request, if the thread has not seen it yet and the piece can share it. */
  #openRequest({ batch, count }: SearchPiece): RingRequest | undefined {
    const request = this.#wakeScheduled ? this.#pending.at(-1) : undefined;
    if (request === undefined || !mayShare(request.parts, batch.parts)) return undefined;
    return request.queryCount + count <= queriesPerRequest(batch.parts.dim, batch.parts.places) ? request : undefined;
  }

  #newRequest(parts: BatchParts, filter: Address): RingRequest {
    const { index, rerankCount, places, settings: { k, ef, path } } = parts;
    this.#ring.open(this.#submitted, index, k, ef, PATH_CODES[path], rerankCount, filter, places);
    this.#submitted = (this.#submitted + 1) >>> 0;
    const request = { parts, pieces: [], queryCount: 0 };
    this.#pending.push(request);
    return request;
  }

  #drain(): void {
    const completed = this.#ring.takeCompleted();
    const settled = this.#pending.splice(0, (completed - this.#completed) >>> 0);
    // All answers are copied before any of them is given out: what it leads to may fill the slots again.
    const hits = settled.map((_, i) => this.#ring.answers((this.#completed + i) >>> 0));
    this.#completed = completed;
    for (const { parts: { settings }, queryCount } of settled) {
      this.#inFlightCount -= queryCount;
      if (settings.filter !== undefined) this.#filters.release(settings.filter);
    }
    settled.forEach(({ pieces }, i) => {
      const answers = (hits[i] as SearchHits[]).values();
      for (const { batch, first, count } of pieces) {
        for (let query = first; query < first + count; query++) batch.answer(query, answers.next().value as SearchHits);
      }
    });
    this.#onSpace();
  }

  /** Rejects everything under way. */
  fail(error: Error): void {
    for (const { pieces } of this.#pending.splice(0)) for (const { batch } of pieces) batch.fail(error);
    this.#inFlightCount = 0;
  }

  /** Ends the thread; what was submitted must have settled, or failed. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#ring.close();
    await this.#exited;
  }
}

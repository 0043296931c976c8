import type { Address, Kernel, WasmMemory } from '@shoal/kernel';
import { PATH_CODES } from '@shoal/kernel';
import { EngineFailedError } from './errors.ts';
import { OWN_COMPONENTS_MAX, OWN_WAITING_MAX } from './limits.ts';
import { queriesPerRequest, RequestRing } from './request-ring.ts';
import { mayShare } from './search-batch.ts';
import type { BatchParts, SearchBatch, SearchPiece } from './search-batch.ts';
import type { SearchHits } from './search-request.ts';
import type { SpareTime } from './spare-time.ts';

export interface OwnSearchesParts {
  readonly kernel: Kernel;
  readonly memory: WasmMemory;
  /** Areas of this thread; of the ring one place is used. */
  readonly scratch: Address;
  readonly ring: Address;
  readonly spareTime: SpareTime;
  /** Takes a batch for which, or for the rest of which, there is no time here. */
  readonly onLeft: (batch: SearchBatch) => void;
  readonly onDeath: (error: EngineFailedError) => void;
}

/**
 * Searches that the calling thread does by itself while it has time to spare, at the end of the step of its event loop that asks for them: those of
 * one message come together, and those that want the same share a call into the kernel. Only short ones: walks of a
 * graph with a beam that is not wide, or scans of few vectors, without a filter.
 */
export class OwnSearches {
  readonly #parts: OwnSearchesParts;
  readonly #ring: RequestRing;
  #waiting: SearchBatch[] = [];
  /** Why nothing is searched here any more. */
  #death: Error | undefined;

  constructor(parts: OwnSearchesParts) {
    this.#parts = parts;
    this.#ring = new RequestRing(parts.memory, parts.ring);
  }

  /** Queries that wait for the end of this step. */
  get waitingCount(): number {
    return this.#waiting.reduce((sum, batch) => sum + batch.waitingCount, 0);
  }

  /** Takes the batch, if it is short and there is time now; false where it does not. */
  offer(batch: SearchBatch): boolean {
    if (this.#death !== undefined || this.#waiting.length === OWN_WAITING_MAX || !this.#isShort(batch.parts) || !this.#parts.spareTime.isLeft()) return false;
    if (this.#waiting.push(batch) === 1) queueMicrotask(() => { this.#answerWaiting(); });
    return true;
  }

  /** Rejects everything that waits. */
  fail(error: Error): void {
    this.#death = error;
    for (const batch of this.#waiting.splice(0)) batch.fail(error);
  }

  /** Answers what waits while there is time, and gives away the rest. */
  #answerWaiting(): void {
    const batches = this.#waiting;
    this.#waiting = [];
    let next = 0;
    while (next < batches.length && this.#death === undefined && this.#parts.spareTime.spend(() => { next = this.#answerSome(batches, next); }));
    for (const batch of batches.slice(next)) {
      if (this.#death === undefined) this.#parts.onLeft(batch);
      else batch.fail(this.#death);
    }
  }

  /** Answers queries that share one request, from the batch at `next` on; returns the first batch of which some are left. */
  #answerSome(batches: readonly SearchBatch[], next: number): number {
    const { parts } = batches[next] as SearchBatch;
    const { index, dim, places, rerankCount, settings: { k, ef, path } } = parts;
    const ring = this.#ring;
    let room = queriesPerRequest(dim, places);
    const pieces: SearchPiece[] = [];
    ring.open(0, index, k, ef, PATH_CODES[path], rerankCount, 0, places);
    for (let batch = batches[next]; batch !== undefined && room > 0 && mayShare(parts, batch.parts); batch = batches[next]) {
      const piece = batch.take(1, room);
      ring.addQueries(0, dim, batch.queriesOf(piece));
      pieces.push(piece);
      room -= piece.count;
      if (batch.waitingCount > 0) break;
      next += 1;
    }
    this.#search(pieces);
    return next;
  }

  #search(pieces: readonly SearchPiece[]): void {
    const { kernel, scratch, onDeath } = this.#parts;
    try {
      this.#ring.search(kernel, scratch, 0);
    } catch (cause) {
      const error = new EngineFailedError(cause);
      this.#death = error;
      for (const { batch } of pieces) batch.fail(error);
      return onDeath(error);
    }
    // All are copied before any is given out: what it leads to may search again.
    const hits = this.#ring.answers(0).values();
    for (const { batch, first, count } of pieces) {
      for (let query = first; query < first + count; query++) batch.answer(query, hits.next().value as SearchHits);
    }
  }

  #isShort({ index, dim, settings: { k, ef, path, filter } }: BatchParts): boolean {
    if (filter !== undefined || path === 'flat') return false;
    const { kernel } = this.#parts;
    const width = kernel.graphReady(index) === 1 ? Math.max(ef, k) : kernel.vectorCount(index) >>> 0;
    return width * dim <= OWN_COMPONENTS_MAX;
  }
}

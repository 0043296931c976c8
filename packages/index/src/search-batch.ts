import type { Address } from '@shoal/kernel';
import { queriesPerRequest } from './request-ring.ts';
import type { SearchHits, SearchSettings } from './search-request.ts';

export interface BatchParts {
  readonly index: Address;
  readonly dim: number;
  /** Whole vectors of `dim` floats, back to back, at least one. */
  readonly queries: Float32Array;
  readonly settings: SearchSettings;
  /** Candidates to re-rank altogether, of each query. */
  readonly rerankCount: number;
  /** Places of an answer: k, or candidates where the index keeps codes alone. */
  readonly places: number;
  /** Exactly one of the two is called, once. */
  readonly resolve: (hits: SearchHits[]) => void;
  readonly reject: (error: Error) => void;
}

/** Queries that share index and settings, on their way: search threads take them piece by piece, and the answers come together again. */
export class SearchBatch {
  readonly parts: BatchParts;
  readonly #queryCount: number;
  readonly #hits: SearchHits[] = [];
  #takenCount = 0;
  #answeredCount = 0;
  #isSettled = false;

  constructor(parts: BatchParts) {
    this.parts = parts;
    this.#queryCount = parts.queries.length / parts.dim;
  }

  /** Queries that no thread has taken yet. */
  get waitingCount(): number {
    return this.#queryCount - this.#takenCount;
  }

  /** The next queries, as many as go into one request with room for so many while each of `threadCount` threads gets its share. */
  take(threadCount: number, room = Infinity): SearchPiece {
    const { dim, places } = this.parts;
    const share = Math.ceil(this.#queryCount / threadCount);
    const count = Math.min(this.waitingCount, share, room, queriesPerRequest(dim, places));
    const piece = { batch: this, first: this.#takenCount, count };
    this.#takenCount += count;
    return piece;
  }

  queriesOf({ first, count }: SearchPiece): Float32Array {
    const { dim, queries } = this.parts;
    return queries.subarray(first * dim, (first + count) * dim);
  }

  /** Takes the answer to one query; the last one settles the batch. */
  answer(query: number, hits: SearchHits): void {
    this.#hits[query] = hits;
    this.#answeredCount++;
    if (this.#answeredCount < this.#queryCount || this.#isSettled) return;
    this.#isSettled = true;
    this.parts.resolve(this.#hits);
  }

  fail(error: Error): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.parts.reject(error);
  }
}

/** Neighbouring queries of a batch. */
export interface SearchPiece {
  readonly batch: SearchBatch;
  /** The first of them, counted from 0 in the batch. */
  readonly first: number;
  readonly count: number;
}

/** Whether searches of two batches may share a request, whose answers come together. A scan, which may take milliseconds, keeps nobody else waiting. */
export function mayShare(one: BatchParts, other: BatchParts): boolean {
  const [a, b] = [one.settings, other.settings];
  return one.index === other.index && one.rerankCount === other.rerankCount && a.k === b.k && a.ef === b.ef && a.path === b.path
    && a.path !== 'flat' && a.filter === undefined && b.filter === undefined;
}

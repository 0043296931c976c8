// The ring of search requests between the main thread and one search thread, in shared memory. One side submits, the other completes,
// both in order. It is laid out before any view is made, so its views stay valid when the memory grows.
//
//   control, 64 bytes, i32 each:  submitted count | completed count | 1 = the main thread was told | 1 = closing
//   slot:     index u32 | k u32 | ef u32 | path code u32 | candidates to re-rank u32 | filter address u32 | query count u32 |
//            places of an answer u32 | queries, back to back in the space of MAX_DIM f32 | their answers, in the space of one of MAX_CANDIDATES places

import { MAX_CANDIDATES, MAX_DIM } from '@shoal/kernel';
import type { Address, Kernel, WasmMemory } from '@shoal/kernel';
import { answerBytes, readAnswer } from './answer.ts';
import { QUERIES_PER_REQUEST_MAX, SLOTS_PER_THREAD } from './limits.ts';
import type { SearchHits } from './search-request.ts';

const CONTROL_BYTES = 64;
const SUBMITTED = 0;
const COMPLETED = 1;
const TOLD = 2;
const CLOSING = 3;

const SLOT_HEADER_BYTES = 32;
const SLOT_BYTES = Math.ceil((SLOT_HEADER_BYTES + 4 * MAX_DIM + answerBytes(MAX_CANDIDATES)) / 64) * 64;

export const RING_BYTES = CONTROL_BYTES + SLOTS_PER_THREAD * SLOT_BYTES;
/** Of a ring whose first place alone is used. */
export const SINGLE_SLOT_RING_BYTES = CONTROL_BYTES + SLOT_BYTES;

/** Queries of `dim` floats that one request with answers of so many places carries at most. */
export function queriesPerRequest(dim: number, places: number): number {
  return Math.min(QUERIES_PER_REQUEST_MAX, Math.floor(MAX_DIM / dim), Math.floor(answerBytes(MAX_CANDIDATES) / answerBytes(places)));
}

/** A request's place; addresses in bytes. */
export interface Slot {
  readonly index: Address;
  readonly k: number;
  readonly ef: number;
  readonly path: number;
  readonly rerank: number;
  /** 0 is none. */
  readonly filter: Address;
  readonly queryCount: number;
  readonly queries: Address;
  readonly places: number;
  /** Answers, `answerBytes(places)` apart. */
  readonly answers: Address;
}

export class RequestRing {
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly u32: Uint32Array<SharedArrayBuffer>;
  readonly f32: Float32Array<SharedArrayBuffer>;
  readonly #firstSlot: Address;

  constructor(memory: WasmMemory, ring: Address) {
    this.#control = new Int32Array(memory.buffer, ring, CONTROL_BYTES / 4);
    this.u32 = new Uint32Array(memory.buffer);
    this.f32 = new Float32Array(memory.buffer);
    this.#firstSlot = ring + CONTROL_BYTES;
  }

  /** Address of the slot of the n-th request. */
  slotAt(n: number): Address {
    return this.#firstSlot + (n % SLOTS_PER_THREAD) * SLOT_BYTES;
  }

  /** Address of the first answer of the n-th request. */
  answerAt(n: number): Address {
    return this.slotAt(n) + SLOT_HEADER_BYTES + 4 * MAX_DIM;
  }

  read(n: number): Slot {
    const slot = this.slotAt(n);
    const at = slot / 4;
    return {
      index: this.u32[at] as number, k: this.u32[at + 1] as number, ef: this.u32[at + 2] as number, path: this.u32[at + 3] as number,
      rerank: this.u32[at + 4] as number, filter: this.u32[at + 5] as number, queryCount: this.u32[at + 6] as number, places: this.u32[at + 7] as number,
      queries: slot + SLOT_HEADER_BYTES, answers: this.answerAt(n),
    };
  }

  /** Main thread: fills the n-th request's slot, still without a query; the search thread sees it after `submit`. */
  open(n: number, index: Address, k: number, ef: number, path: number, rerank: number, filter: Address, places: number): void {
    this.u32.set([index, k, ef, path, rerank, filter, 0, places], this.slotAt(n) / 4);
  }

  /** Main thread: adds queries of `dim` floats to the n-th request, which was not submitted yet and has room for them. */
  addQueries(n: number, dim: number, queries: Float32Array): void {
    const slot = this.slotAt(n);
    const before = this.u32[slot / 4 + 6] as number;
    this.f32.set(queries, (slot + SLOT_HEADER_BYTES) / 4 + before * dim);
    this.u32[slot / 4 + 6] = before + queries.length / dim;
  }

  /** Searches for the queries of the n-th request and writes their answers. Throws where the kernel traps. */
  search(kernel: Kernel, scratch: Address, n: number): void {
    const { index, k, ef, path, rerank, filter, queryCount, places, queries, answers } = this.read(n);
    kernel.searchMany(scratch, index, queries, queryCount, k, ef, path, rerank, filter, answers, answerBytes(places));
  }

  /** Copies the answers to the n-th request. */
  answers(n: number): SearchHits[] {
    const { queryCount, places, answers } = this.read(n);
    return Array.from({ length: queryCount }, (_, query) => readAnswer(this.u32, this.f32, answers + query * answerBytes(places), places));
  }

  /** Main thread: makes requests below `count` (which wraps at 2^32) visible and wakes the search thread. */
  submit(count: number): void {
    Atomics.store(this.#control, SUBMITTED, count | 0);
    Atomics.notify(this.#control, SUBMITTED, 1);
  }

  /** Main thread: takes notice of a wake-up and returns the completed count. */
  takeCompleted(): number {
    Atomics.store(this.#control, TOLD, 0);
    return Atomics.load(this.#control, COMPLETED) >>> 0;
  }

  /** Main thread: makes the search thread end once it has answered what was submitted. */
  close(): void {
    Atomics.store(this.#control, CLOSING, 1);
    Atomics.notify(this.#control, SUBMITTED, 1);
  }

  /** Search thread: waits for a request after the first `completed`; the submitted count, or undefined when closing. */
  waitForRequests(completed: number): number | undefined {
    for (;;) {
      const submitted = Atomics.load(this.#control, SUBMITTED);
      if (submitted !== (completed | 0)) return submitted >>> 0;
      if (Atomics.load(this.#control, CLOSING) === 1) return undefined;
      Atomics.wait(this.#control, SUBMITTED, submitted, CLOSING_POLL_MS);
    }
  }

  /** Search thread: publishes the completed count. */
  publish(count: number): void {
    Atomics.store(this.#control, COMPLETED, count | 0);
  }

  /** Search thread: true when the main thread has not been told since it last took notice, and has to be told now. */
  mustTell(): boolean {
    return Atomics.exchange(this.#control, TOLD, 1) === 0;
  }
}

/** A close that falls between the check and the wait is noticed after this long. */
const CLOSING_POLL_MS = 100;

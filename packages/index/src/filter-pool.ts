// Room in shared memory for the filters of the searches under way. Only the main thread takes and gives it back, so it needs no lock; it
// is laid out before any view is made. First fit over a short list of holes: a filter stays for the time of a search only.

import type { Address, WasmMemory } from '@shoal/kernel';
import { filterBytes, writeFilter } from './filter.ts';
import type { IdFilter } from './search-request.ts';

interface Hole {
  start: Address;
  end: Address;
}

interface Held {
  readonly start: Address;
  readonly end: Address;
  searchCount: number;
}

const ALIGN_BYTES = 16;

/** Holds each filter once, however many searches under way have it. */
export class FilterPool {
  readonly #u32: Uint32Array;
  readonly #held = new Map<IdFilter, Held>();
  /** Ascending, none of them touching. */
  readonly #holes: Hole[];
  readonly byteLength: number;

  /** `pool` is the address of `byteLength` bytes. */
  constructor(memory: WasmMemory, pool: Address, byteLength: number) {
    this.#u32 = new Uint32Array(memory.buffer);
    this.byteLength = byteLength;
    this.#holes = [{ start: pool, end: pool + byteLength }];
  }

  /** The filter's address until `release`; undefined while there is no room for it. */
  acquire(filter: IdFilter): Address | undefined {
    const held = this.#held.get(filter);
    if (held !== undefined) {
      held.searchCount++;
      return held.start;
    }
    const bytes = Math.ceil(filterBytes(filter) / ALIGN_BYTES) * ALIGN_BYTES;
    const hole = this.#holes.find(({ start, end }) => end - start >= bytes);
    if (hole === undefined) return undefined;
    const { start } = hole;
    hole.start += bytes;
    if (hole.start === hole.end) this.#holes.splice(this.#holes.indexOf(hole), 1);
    this.#held.set(filter, { start, end: start + bytes, searchCount: 1 });
    writeFilter(this.#u32, start, filter);
    return start;
  }

  /** Once for each `acquire`. */
  release(filter: IdFilter): void {
    const held = this.#held.get(filter);
    if (held === undefined || --held.searchCount > 0) return;
    this.#held.delete(filter);
    const next = this.#holes.findIndex(({ start }) => start > held.start);
    const at = next < 0 ? this.#holes.length : next;
    const before = this.#holes[at - 1];
    const after = this.#holes[at];
    const joinsBefore = before?.end === held.start;
    const joinsAfter = after?.start === held.end;
    if (before !== undefined && after !== undefined && joinsBefore && joinsAfter) {
      before.end = after.end;
      this.#holes.splice(at, 1);
    } else if (before !== undefined && joinsBefore) {
      before.end = held.end;
    } else if (after !== undefined && joinsAfter) {
      after.start = held.start;
    } else {
      this.#holes.splice(at, 0, { start: held.start, end: held.end });
    }
  }
}

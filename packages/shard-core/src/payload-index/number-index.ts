import type { FieldScalar, RangeFilter } from '@shoal/protocol';
import { WORD_BITS, setBit } from './dense-bits.ts';
import type { FieldIndex } from './field-index.ts';

/**
 * The values of a number field in a column by id, NaN where there is none. Conditions read the column from end to end; blocks whose least and greatest value lie outside a range are passed over, which makes ranges over values that grow with
 * the ids, as times do, cheap.
 */
export class NumberIndex implements FieldIndex {
  #column = new Float64Array(0);
  /** Least and greatest value that each block has ever held. */
  #bounds = new Float64Array(0);

  get memoryBytes(): number {
    return this.#column.byteLength + this.#bounds.byteLength;
  }

  add(id: number, values: readonly FieldScalar[]): void {
    const [value] = values;
    if (typeof value !== 'number') return;
    this.#reserve(id);
    this.#column[id] = value;
    const block = id >>> BLOCK_SHIFT;
    this.#bounds[2 * block] = Math.min(this.#bounds[2 * block] ?? value, value);
    this.#bounds[2 * block + 1] = Math.max(this.#bounds[2 * block + 1] ?? value, value);
  }

  /** Only when the id still has the value: it may have got another one since. */
  remove(id: number, values: readonly FieldScalar[]): void {
    const [value] = values;
    if (id < this.#column.length && this.#column[id] === value) this.#column[id] = Number.NaN;
  }

  anyOf(values: readonly FieldScalar[], into: Uint32Array): void {
    const wanted = new Set(values.filter((value) => typeof value === 'number'));
    if (wanted.size === 0) return;
    const [least, greatest] = [Math.min(...wanted), Math.max(...wanted)];
    if (wanted.size === 1) return this.#addBetween(least, greatest, into);
    this.#forBlocks(least, greatest, (first, end) => {
      for (let id = first; id < end; id += 1) if (wanted.has(this.#column[id] ?? Number.NaN)) setBit(into, id);
    });
  }

  range({ gt, gte, lt, lte }: RangeFilter, into: Uint32Array): void {
    const least = Math.max(gte ?? Number.NEGATIVE_INFINITY, gt === undefined ? Number.NEGATIVE_INFINITY : nextUp(gt));
    const greatest = Math.min(lte ?? Number.POSITIVE_INFINITY, lt === undefined ? Number.POSITIVE_INFINITY : -nextUp(-lt));
    this.#addBetween(least, greatest, into);
  }

  exists(into: Uint32Array): void {
    this.#addBetween(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, into);
  }

  /** The inner loop has nothing in it but two comparisons, which NaN fails: an id without a value needs no test of its own. */
  #addBetween(least: number, greatest: number, into: Uint32Array): void {
    const column = this.#column;
    this.#forBlocks(least, greatest, (first, end) => {
      for (let base = first; base < end; base += WORD_BITS) {
        let word = 0;
        const last = Math.min(end, base + WORD_BITS);
        for (let id = base; id < last; id += 1) {
          const value = column[id] as number;
          if (value >= least && value <= greatest) word |= 1 << (id - base);
        }
        if (word !== 0) into[base >>> 5] = (into[base >>> 5] ?? 0) | word;
      }
    });
  }

  /** Calls with the ids of each block that may hold a value between the two. */
  #forBlocks(least: number, greatest: number, visit: (first: number, end: number) => void): void {
    for (let block = 0; block << BLOCK_SHIFT < this.#column.length; block += 1) {
      const blockLeast = this.#bounds[2 * block] ?? Number.POSITIVE_INFINITY;
      const blockGreatest = this.#bounds[2 * block + 1] ?? Number.NEGATIVE_INFINITY;
      if (blockLeast > greatest || blockGreatest < least) continue;
      visit(block << BLOCK_SHIFT, Math.min(this.#column.length, (block + 1) << BLOCK_SHIFT));
    }
  }

  #reserve(id: number): void {
    if (id < this.#column.length) return;
    const capacity = Math.max(64, this.#column.length * 2, id + 1);
    const column = new Float64Array(capacity).fill(Number.NaN);
    column.set(this.#column);
    const bounds = new Float64Array(2 * Math.ceil(capacity / (1 << BLOCK_SHIFT)));
    for (let block = 0; 2 * block < bounds.length; block += 1) {
      bounds[2 * block] = this.#bounds[2 * block] ?? Number.POSITIVE_INFINITY;
      bounds[2 * block + 1] = this.#bounds[2 * block + 1] ?? Number.NEGATIVE_INFINITY;
    }
    this.#column = column;
    this.#bounds = bounds;
  }
}

/** 4,096 ids in a block. */
const BLOCK_SHIFT = 12;

const float = new Float64Array(1);
const bits = new BigInt64Array(float.buffer);

/** The least double that is greater than a finite one. */
function nextUp(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  float[0] = value;
  bits[0] = (bits[0] ?? 0n) + (value > 0 ? 1n : -1n);
  return float[0];
}

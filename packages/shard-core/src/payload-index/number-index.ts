import { isInRange, type FieldScalar, type RangeFilter } from '@shoal/protocol';
import { WORD_BITS } from './dense-bits.ts';
import type { FieldIndex } from './field-index.ts';

/**
 * The values of a number field in a column by id, NaN where there is none. Conditions read the column from end to end, about a millisecond per
 * million ids; blocks whose least and greatest value lie outside a range are passed over, which makes ranges over values that grow with
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
    const [only] = wanted;
    if (only === undefined) return;
    const bounds = { gte: Math.min(...wanted), lte: Math.max(...wanted) };
    this.#scan(bounds, into, wanted.size === 1 ? (value) => value === only : (value) => wanted.has(value));
  }

  range(bounds: RangeFilter, into: Uint32Array): void {
    this.#scan(bounds, into, (value) => isInRange(value, bounds));
  }

  exists(into: Uint32Array): void {
    this.#scan({}, into, (value) => !Number.isNaN(value));
  }

  #scan(bounds: Omit<RangeFilter, 'type' | 'field'>, into: Uint32Array, passes: (value: number) => boolean): void {
    const column = this.#column;
    for (let block = 0; block << BLOCK_SHIFT < column.length; block += 1) {
      const least = this.#bounds[2 * block] ?? Number.POSITIVE_INFINITY;
      const greatest = this.#bounds[2 * block + 1] ?? Number.NEGATIVE_INFINITY;
      if (least > greatest || !mayMeet(least, greatest, bounds)) continue;
      const end = Math.min(column.length, (block + 1) << BLOCK_SHIFT);
      for (let first = block << BLOCK_SHIFT; first < end; first += WORD_BITS) {
        let word = 0;
        const last = Math.min(end, first + WORD_BITS);
        // NaN passes no comparison, so an id without a value needs no test of its own.
        for (let id = first; id < last; id += 1) if (passes(column[id] ?? Number.NaN)) word |= 1 << (id - first);
        if (word !== 0) into[first >>> 5] = (into[first >>> 5] ?? 0) | word;
      }
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

/** Whether any value between the two could lie in the range. */
function mayMeet(least: number, greatest: number, { gt, gte, lt, lte }: Omit<RangeFilter, 'type' | 'field'>): boolean {
  return (gt === undefined || greatest > gt) && (gte === undefined || greatest >= gte) && (lt === undefined || least < lt) && (lte === undefined || least <= lte);
}

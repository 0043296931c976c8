import assert from 'node:assert';
import type { FieldScalar } from '@shoal/protocol';
import { setBit } from './dense-bits.ts';
import type { FieldIndex } from './field-index.ts';
import { IdBitmap } from './id-bitmap.ts';

/** Map entry, value and object header of one distinct value, roughly. */
const VALUE_BYTES = 96;

/** Value -> ids that have it. A value of one id alone, as in a field of unique names, costs no bitmap. */
export class PostingIndex implements FieldIndex {
  readonly #postings = new Map<FieldScalar, number | IdBitmap>();
  readonly #present = new IdBitmap();
  #valueBytes = 0;
  #bitmapBytes = 0;

  get memoryBytes(): number {
    return this.#valueBytes + this.#bitmapBytes + this.#present.memoryBytes;
  }

  add(id: number, values: readonly FieldScalar[]): void {
    for (const value of values) this.#addTo(value, id);
    if (values.length > 0) this.#present.add(id);
  }

  remove(id: number, values: readonly FieldScalar[]): void {
    for (const value of values) this.#removeFrom(value, id);
    if (values.length > 0) this.#present.delete(id);
  }

  anyOf(values: readonly FieldScalar[], into: Uint32Array): void {
    for (const value of values) {
      const posting = this.#postings.get(value);
      if (typeof posting === 'number') setBit(into, posting);
      else posting?.addTo(into);
    }
  }

  range(): void {
    assert.fail('ranges are for numbers and datetimes; the parser refuses others');
  }

  exists(into: Uint32Array): void {
    this.#present.addTo(into);
  }

  #addTo(value: FieldScalar, id: number): void {
    const posting = this.#postings.get(value);
    if (posting === id) return;
    if (posting === undefined) {
      this.#postings.set(value, id);
      this.#valueBytes += bytesOf(value);
    } else if (typeof posting === 'number') {
      const bitmap = new IdBitmap();
      bitmap.add(posting);
      bitmap.add(id);
      this.#postings.set(value, bitmap);
      this.#bitmapBytes += bitmap.memoryBytes;
    } else {
      this.#bitmapBytes -= posting.memoryBytes;
      posting.add(id);
      this.#bitmapBytes += posting.memoryBytes;
    }
  }

  #removeFrom(value: FieldScalar, id: number): void {
    const posting = this.#postings.get(value);
    if (posting === undefined || (typeof posting === 'number' && posting !== id)) return;
    if (typeof posting === 'object') {
      this.#bitmapBytes -= posting.memoryBytes;
      posting.delete(id);
      if (posting.size > 0) {
        this.#bitmapBytes += posting.memoryBytes;
        return;
      }
    }
    this.#postings.delete(value);
    this.#valueBytes -= bytesOf(value);
  }
}

function bytesOf(value: FieldScalar): number {
  return VALUE_BYTES + (typeof value === 'string' ? value.length * 2 : 0);
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countBits, hasBit, idsOf, wordsFor } from './dense-bits.ts';
import { IdBitmap } from './id-bitmap.ts';

const CAPACITY = 1 << 18;

/** Runs of neighbouring ids, so that containers grow past the border between array and bitmap, and shrink below it. */
const change = fc.record({ adds: fc.boolean(), from: fc.nat(CAPACITY - 6_000), length: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1_500, max: 6_000 })), stride: fc.integer({ min: 1, max: 3 }) });

describe('IdBitmap', () => {
  it('holds what a Set holds, whatever is added and deleted', () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const bitmap = new IdBitmap();
        const oracle = new Set<number>();
        for (const { adds, from, length, stride } of changes) {
          for (let id = from; id < Math.min(CAPACITY, from + length * stride); id += stride) {
            if (adds) expect(bitmap.add(id)).toBe(!oracle.has(id));
            else expect(bitmap.delete(id)).toBe(oracle.has(id));
            if (adds) oracle.add(id);
            else oracle.delete(id);
          }
          expect(bitmap.size).toBe(oracle.size);
        }
        const words = new Uint32Array(wordsFor(CAPACITY));
        bitmap.addTo(words);
        expect(countBits(words)).toBe(oracle.size);
        expect([...idsOf(words)]).toEqual([...oracle].sort((a, b) => a - b));
        for (let id = 0; id < CAPACITY; id += 997) expect(bitmap.has(id)).toBe(hasBit(words, id));
      }),
      { numRuns: 25 },
    );
  });

  it('takes two bytes an id while it is sparse, and a bit while it is dense', () => {
    const sparse = new IdBitmap();
    for (let id = 0; id < CAPACITY; id += 100) sparse.add(id);
    expect(sparse.memoryBytes).toBeLessThan(4 * sparse.size);
    const dense = new IdBitmap();
    for (let id = 0; id < CAPACITY; id += 2) dense.add(id);
    expect(dense.memoryBytes).toBe(CAPACITY / 8);
    for (let id = 0; id < CAPACITY; id += 2) dense.delete(id);
    expect(dense.memoryBytes).toBe(0);
  });
});

import type { VecId, VectorKey } from '@shoal/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyTable } from './key-table.ts';

describe('KeyTable', () => {
  it('returns the newest key of every id, like a Map', () => {
    const key = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }).filter((text) => Buffer.byteLength(text) <= 512);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(300), key), { maxLength: 400 }), (entries) => {
        const table = new KeyTable();
        const oracle = new Map<number, string>();
        for (const [id, text] of entries) {
          table.set(id as VecId, text as VectorKey);
          oracle.set(id, text);
        }
        for (const [id, text] of oracle) expect(table.get(id as VecId)).toBe(text);
      }),
    );
  });

  it('gives back the space of keys that were replaced', () => {
    const table = new KeyTable();
    const key = (round: number, id: number) => `${round}-${id}-${'x'.repeat(100)}` as VectorKey;
    for (let id = 0; id < 2_000; id += 1) table.set(id as VecId, key(0, id));
    const settled = table.memoryBytes;
    for (let round = 1; round <= 50; round += 1) {
      for (let id = 0; id < 2_000; id += 1) table.set(id as VecId, key(round, id));
    }
    expect(table.memoryBytes).toBeLessThan(settled * 4);
    for (let id = 0; id < 2_000; id += 1) expect(table.get(id as VecId)).toBe(key(50, id));
  });

  it('keeps a small partition small', () => {
    const table = new KeyTable();
    for (let id = 0; id < 10; id += 1) table.set(id as VecId, `key-${id}` as VectorKey);
    expect(table.memoryBytes).toBeLessThan(8 * 1024);
  });
});

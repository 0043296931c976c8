import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseShardId, type EmbeddingCode, type Partition, type Slot, type VectorKey } from './ids.ts';
import { partitionOf, slotOf, streamOf, SUBJECTS } from './placement.ts';
import { code, key, partition } from './testing/arbitraries.ts';

/** The hash anew, in big integers and straight from its definition. */
function oracleHash(bytes: Uint8Array): number {
  const low = 0xffff_ffffn;
  let hash = 0x811c9dc5n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & low;
  hash = ((hash ^ (hash >> 16n)) * 0x85ebca6bn) & low;
  hash = ((hash ^ (hash >> 13n)) * 0xc2b2ae35n) & low;
  return Number(hash ^ (hash >> 16n));
}

/** Pearson's statistic against an even spread; its mean is the number of bins less 1. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

function countBins(binCount: number, bins: Iterable<number>): number[] {
  const counts = Array.from({ length: binCount }, () => 0);
  for (const bin of bins) counts[bin] = (counts[bin] ?? 0) + 1;
  return counts;
}

describe('the partition of a key', () => {
  test.each([
    ['a', [1, 0, 3, 435]],
    ['article:17', [1, 2, 3, 291]],
    ['clé ✓ 𝕊', [1, 1, 13, 1005]],
    ['0', [1, 1, 1, 865]],
    ['k'.repeat(512), [0, 2, 6, 86]],
  ])('is frozen: %s', (name, expected) => {
    expect([2, 3, 16, 1024].map((partitions) => partitionOf(name as VectorKey, partitions))).toEqual(expected);
  });

  test('is the hash of its UTF-8 bytes modulo the partitions', () => {
    fc.assert(
      fc.property(key, fc.integer({ min: 1, max: 1024 }), (name, partitions) => {
        expect(partitionOf(name, partitions)).toBe(oracleHash(new TextEncoder().encode(name)) % partitions);
      }),
    );
  });

  test('spreads numbered keys evenly', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{0,8}[:-]?$/), fc.nat(1_000_000), fc.constantFrom(2, 8, 16), (prefix, from, partitions) => {
        const keys = Array.from({ length: 4_000 }, (_, i) => partitionOf(`${prefix}${from + i}` as VectorKey, partitions));
        for (const count of countBins(partitions, keys)) {
          expect(count).toBeGreaterThan((4_000 / partitions) * 0.6);
          expect(count).toBeLessThan((4_000 / partitions) * 1.4);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('the slot of a partition', () => {
  test.each([
    [1, 0, [0, 5, 39, 39]],
    [1, 1, [0, 6, 12, 524]],
    [2, 0, [0, 1, 26, 602]],
    [256, 1023, [0, 0, 45, 621]],
    [4_294_967_303, 5, [0, 2, 60, 508]],
    [Number.MAX_SAFE_INTEGER, 7, [0, 2, 47, 495]],
  ])('is frozen: code %i, partition %i', (of, at, expected) => {
    expect([1, 7, 64, 1024].map((slots) => slotOf(of as EmbeddingCode, at as Partition, slots))).toEqual(expected);
  });

  test('is the hash of code and partition, big-endian, modulo the slots', () => {
    fc.assert(
      fc.property(code, partition, fc.integer({ min: 1, max: 1024 }), (of, at, slots) => {
        const bytes = Buffer.alloc(10);
        bytes.writeBigUInt64BE(BigInt(of));
        bytes.writeUInt16BE(at, 8);
        expect(slotOf(of, at, slots)).toBe(oracleHash(bytes) % slots);
      }),
    );
  });

  test('spreads embeddings, and the partitions of one, over 64 slots as chance would', () => {
    const codes = Array.from({ length: 10_000 }, (_, i) => slotOf((i + 1) as EmbeddingCode, 0 as Partition, 64));
    const partitions = Array.from({ length: 1_024 }, (_, i) => slotOf(7 as EmbeddingCode, i as Partition, 64));
    // 63 degrees of freedom: mean 63, and 120 is passed by chance once in more than 50,000 spreads.
    expect(chiSquare(countBins(64, codes))).toBeLessThan(120);
    expect(chiSquare(countBins(64, partitions))).toBeLessThan(120);
  });
});

describe('the stream of a slot', () => {
  test('rises with the slot and leaves no stream empty', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1024 }), fc.nat(1023), (slots, less) => {
        const streams = Math.max(1, slots - less);
        const dealt = Array.from({ length: slots }, (_, slot) => streamOf(slot as Slot, slots, streams));
        expect(dealt).toEqual(dealt.toSorted((a, b) => a - b));
        expect([...new Set(dealt)]).toEqual(Array.from({ length: streams }, (_, stream) => stream));
      }),
    );
  });
});

test('subjects name slot, code and partition, and nothing of a caller', () => {
  const at = { slot: 17 as Slot, code: 7 as EmbeddingCode, partition: 3 as Partition };
  expect(SUBJECTS.mutation(at)).toBe('shoal.mut.17.7.3');
  expect(SUBJECTS.mutationsOfSlot(at.slot)).toBe('shoal.mut.17.>');
  expect(SUBJECTS.query(at.slot)).toBe('shoal.q.17');
  expect(SUBJECTS.queryOf(at.slot, parseShardId('a..b.'))).toBe('shoal.q.17.a~~b~');
});

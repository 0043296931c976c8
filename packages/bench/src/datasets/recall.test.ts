import fc from 'fast-check';
import { expect, test } from 'vitest';
import { percentile } from './percentile.ts';
import { queryRecallAtK, recallAtK } from './recall.ts';

test('recall counts the true neighbours among the first k answers', () => {
  const truth = Int32Array.of(4, 7, 9, 1);
  expect(queryRecallAtK(['4', '7', '9'], truth, 3)).toBe(1);
  expect(queryRecallAtK(['9', '4', '7'], truth, 3)).toBe(1);
  expect(queryRecallAtK(['4', '1', '2', '7'], truth, 3)).toBeCloseTo(1 / 3, 12);
  expect(queryRecallAtK([], truth, 3)).toBe(0);
});

test('a key returned twice counts once', () => {
  expect(queryRecallAtK(['4', '4'], Int32Array.of(4, 7), 2)).toBe(0.5);
});

test('rows are matched under the keys they were stored with', () => {
  expect(recallAtK([['sift:4'], ['sift:5']], [Int32Array.of(4), Int32Array.of(6)], 1, { keyOf: (row) => `sift:${row}` })).toBe(0.5);
});

test('recall equals the size of the intersection for any distinct answers', () => {
  const ids = fc.uniqueArray(fc.nat(30), { minLength: 5, maxLength: 12 });
  fc.assert(
    fc.property(ids, ids, (found, truth) => {
      const expected = truth.slice(0, 5).filter((row) => found.slice(0, 5).includes(row)).length / 5;
      expect(queryRecallAtK(found.map(String), Int32Array.from(truth), 5)).toBe(expected);
    }),
  );
});

test('ground truth that is too short or does not match the answers is refused', () => {
  expect(() => queryRecallAtK(['1'], Int32Array.of(1), 2)).toThrow(expect.objectContaining({ code: 'invalid_field', limit: 1 }));
  expect(() => recallAtK([['1']], [], 1)).toThrow(expect.objectContaining({ code: 'invalid_field' }));
  expect(() => recallAtK([], [], 1)).toThrow(expect.objectContaining({ code: 'invalid_field' }));
  expect(() => queryRecallAtK(['1'], Int32Array.of(1), 0)).toThrow(expect.objectContaining({ field: 'k' }));
});

test('percentiles are by nearest rank', () => {
  expect([50, 99, 100].map((percent) => percentile([5, 1, 4, 2, 3], percent))).toEqual([3, 5, 5]);
  expect(percentile([7], 50)).toBe(7);
});

import { expect, test } from 'vitest';
import { meanRecall, median, speedAtRecall } from './speed-at-recall.ts';

const sweep = [
  { ef: 40, recall: 0.98, searchesPerSecond: 1000 },
  { ef: 10, recall: 0.9, searchesPerSecond: 16_000 },
  { ef: 20, recall: 0.96, searchesPerSecond: 4000 },
];

test('speed between two beam widths is interpolated in log speed over recall', () => {
  const middle = speedAtRecall(sweep, 0.93);
  expect(middle?.kind).toBe('measured');
  expect(middle?.searchesPerSecond).toBeCloseTo(8000, 6);
  expect(speedAtRecall(sweep, 0.96)?.searchesPerSecond).toBeCloseTo(4000, 6);
});

test('outside the sweep a speed is a lower bound or unknown', () => {
  expect(speedAtRecall(sweep, 0.85)).toEqual({ searchesPerSecond: 16_000, kind: 'atLeast' });
  expect(speedAtRecall(sweep, 0.99)).toBeUndefined();
});

test('recall counts each true neighbour once', () => {
  const truth = [Uint32Array.of(1, 2), Uint32Array.of(3, 4)];
  expect(meanRecall([[2, 2], BigUint64Array.of(4n, 3n)], truth)).toBe(0.75);
});

test('the median of an even number of values lies between the middle two', () => {
  expect(median([9, 1, 4])).toBe(4);
  expect(median([9, 1, 4, 2])).toBe(3);
});

import { expect, test } from 'vitest';
import { memoryPerVector } from './memory-per-vector.ts';

test.each([undefined, 8, 1] as const)('an index with codes of %s bits takes little more than what it has to keep', (bits) => {
  const { vectorCount, theoreticalBytes, measuredBytes } = memoryPerVector({ dim: 128, bits, m: 16, countLog2: 12 });
  expect(vectorCount).toBe(4080);
  expect(theoreticalBytes).toBeCloseTo(512 + (bits ?? 0) * 16 + 128 + 64 / 15, 6);
  expect(measuredBytes).toBeGreaterThan(theoreticalBytes);
  expect(measuredBytes).toBeLessThan(theoreticalBytes * 1.12);
});

test('an index that keeps codes alone takes them, two headers and its links', () => {
  const { theoreticalBytes, measuredBytes } = memoryPerVector({ dim: 128, bits: 8, m: 16, codesOnly: true, countLog2: 12 });
  expect(theoreticalBytes).toBeCloseTo(128 + 128 + 64 / 15, 6);
  expect(measuredBytes).toBeGreaterThan(theoreticalBytes + 32);
  expect(measuredBytes).toBeLessThan(theoreticalBytes + 100);
});

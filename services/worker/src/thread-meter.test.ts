import type { ThreadMemory } from '@shoal/jobs';
import { expect, it } from 'vitest';
import { ThreadMeter } from './thread-meter.ts';

it('shows what the threads held when they were asked last, and asks one at a time', async () => {
  const asked: ((memory: ThreadMemory) => void)[] = [];
  const meter = new ThreadMeter({ memory: () => new Promise((resolve) => asked.push(resolve)) });
  const shown = (): readonly number[] => meter.families().flatMap(({ points }) => points.map((point) => ('value' in point ? point.value : NaN)));
  expect(shown()).toEqual([0, 0, 0, 0]);
  expect(shown()).toEqual([0, 0, 0, 0]);
  expect(asked.length).toBe(1);
  asked[0]?.({ threadCount: 2, heapUsedBytes: 3, heapTotalBytes: 4, externalBytes: 5 });
  await Promise.resolve();
  await expect.poll(shown).toEqual([2, 3, 4, 5]);
  expect(asked.length).toBe(2);
});

import { expect, it } from 'vitest';
import { Easing, type EasingTime } from './easing.ts';
import { BUS_LIMITS } from './limits.ts';

const { signal } = new AbortController();

/** Copies pieces that take so long each, and tells the rests. */
async function restsOf(count: number, tookMs: number, ways: number): Promise<number[]> {
  let nowMs = 0;
  const rests: number[] = [];
  const time: EasingTime = {
    nowMs: () => nowMs,
    pause: async (delayMs) => {
      nowMs += delayMs;
      rests.push(delayMs);
    },
  };
  const easing = new Easing(signal, time);
  const copied: number[] = [];
  for (let way = 0; way < ways; way += 1) {
    const pieces = Array.from({ length: count }, (_, index) => Uint8Array.of(index % 256));
    for await (const piece of easing.of(pieces)) {
      nowMs += tookMs;
      copied.push(piece[0] ?? -1);
    }
  }
  expect(copied).toEqual(Array.from({ length: ways }, () => Array.from({ length: count }, (_, index) => index % 256)).flat());
  return rests;
}

it('rests after each piece in proportion to what it took, but not for long', async () => {
  expect(await restsOf(3, 2, 1)).toEqual([2, 2, 2].map((tookMs) => tookMs * BUS_LIMITS.snapshotRest));
  expect(await restsOf(2, 10_000, 1)).toEqual([BUS_LIMITS.snapshotRestMaxMs, BUS_LIMITS.snapshotRestMaxMs]);
});

it('rests for a bounded time altogether, also over several ways of one copy', async () => {
  const sum = (rests: readonly number[]): number => rests.reduce((total, restMs) => total + restMs, 0);
  expect(sum(await restsOf(5_000, 20, 1))).toBe(BUS_LIMITS.snapshotRestTotalMs);
  expect(sum(await restsOf(100, 20, 50))).toBe(BUS_LIMITS.snapshotRestTotalMs);
});

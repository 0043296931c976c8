import type { LogOrigin } from '@shoal/bus';
import type { Timers } from '@shoal/pacing';
import { ShoalError, parseSequence, parseSlot, type Sequence } from '@shoal/protocol';
import { expect, it } from 'vitest';
import { LogWatch } from './log-watch.ts';

const slot = parseSlot(1);
const at = (made: string, firstSequence: number): LogOrigin => ({ made, firstSequence: parseSequence(firstSequence) });

/** What a first look and then one at each of the other origins come to; the last one ends the watch. */
async function watch(origins: readonly (LogOrigin | ShoalError)[], { remembered = [10, 20, 50], trimmed = 0 } = {}): Promise<string | undefined> {
  const stop = new AbortController();
  let look = 0;
  const timers: Timers = {
    after: (_delayMs, callback) => {
      if (look >= origins.length) stop.abort();
      setImmediate(callback);
      return () => undefined;
    },
  };
  const log = {
    origin: async () => {
      const origin = origins[look];
      look += 1;
      if (origin === undefined || origin instanceof ShoalError) throw origin ?? new ShoalError('internal', 'no more looks');
      return origin;
    },
    trimmedBefore: async () => parseSequence(trimmed),
  };
  const rememberedFrom = (sequence: Sequence): Sequence => parseSequence(remembered.find((one) => one >= sequence) ?? 0);
  const logWatch = new LogWatch({ log, slot, rememberedFrom, timers });
  try {
    await logWatch.look();
  } catch (error) {
    return `at once: ${(error as ShoalError).code}`;
  }
  return (await logWatch.untilLost(stop.signal))?.code;
}

it('a log that stays, is trimmed or cannot be asked for a while is not lost', async () => {
  expect(await watch([at('x', 0), at('x', 1), at('x', 10)])).toBeUndefined();
  expect(await watch([at('x', 1), new ShoalError('log_unavailable', 'no answer'), at('x', 10)])).toBeUndefined();
  expect(await watch([at('x', 1), at('x', 20)], { trimmed: 20 })).toBeUndefined();
  expect(await watch([at('x', 1), at('x', 90)], { trimmed: 80 })).toBeUndefined();
  // A slot without any message has lost none.
  expect(await watch([at('x', 20), at('x', 30)], { remembered: [] })).toBeUndefined();
});

it('a log that was made anew or emptied is, also when what came after was applied', async () => {
  expect(await watch([at('x', 1), at('y', 1)])).toBe('log_incompatible');
  expect(await watch([at('x', 1), new ShoalError('log_unavailable', 'no answer'), at('y', 1)])).toBe('log_incompatible');
  expect(await watch([at('x', 1), at('x', 11)])).toBe('log_incompatible');
  expect(await watch([at('x', 1), at('x', 51)])).toBe('log_incompatible');
  expect(await watch([at('x', 1), at('x', 21)], { trimmed: 15 })).toBe('log_incompatible');
  expect(await watch([at('x', 11)])).toBe('at once: log_incompatible');
});

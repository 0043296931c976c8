import type { LogSize } from '@shoal/bus';
import { ShoalError } from '@shoal/protocol';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { LogSizes } from './log-sizes.ts';

const logger = pino({ level: 'silent' });

/** Timers that pass when they are told to. */
function handTimers() {
  let due: (() => void)[] = [];
  return {
    timers: { after: (_delayMs: number, run: () => void) => {
      due.push(run);
      return () => undefined;
    } },
    pass() {
      const now = due;
      due = [];
      for (const run of now) run();
    },
    waiting: () => due.length,
  };
}

it('knows what the log said last, also while the log does not answer', async () => {
  const answers: (readonly LogSize[] | ShoalError)[] = [[{ stream: 'a', bytes: 1 }], new ShoalError('log_unavailable', 'away'), [{ stream: 'a', bytes: 3 }]];
  const { timers, pass, waiting } = handTimers();
  let asked = 0;
  const sizes = new LogSizes({ timers, logger, log: { sizes: async () => {
    const answer = answers[asked];
    asked += 1;
    if (answer instanceof ShoalError || answer === undefined) throw answer ?? new Error('asked too often');
    return answer;
  } } });
  expect(sizes.known()).toEqual([]);
  sizes.start();
  const known: (readonly LogSize[])[] = [];
  for (let turn = 1; turn <= 3; turn += 1) {
    await vi.waitFor(() => expect([asked, waiting()]).toEqual([turn, 1]));
    known.push(sizes.known());
    if (turn < 3) pass();
  }
  expect(known.map(([size]) => size?.bytes)).toEqual([1, 1, 3]);
  await sizes.close();
});

it('ends at once although the log does not answer', async () => {
  const sizes = new LogSizes({ timers: handTimers().timers, logger, log: { sizes: () => new Promise(() => undefined) } });
  sizes.start();
  await sizes.close();
  expect(sizes.known()).toEqual([]);
});

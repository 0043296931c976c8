import type { Timers } from '../applied-waiters.ts';

/** The process's own timers, for tests in which time really passes. */
export const realTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

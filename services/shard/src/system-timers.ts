import type { Timers } from '@shoal/shard-core';

/** The process's own timers, for main.ts to hand to everything that waits. */
export const systemTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

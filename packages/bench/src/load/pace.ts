import { setTimeout as pause } from 'node:timers/promises';

/** Decides when operations begin. */
export interface Pace {
  /** Resolves, with the time at which the next operation is due, when it may begin. Undefined at the end. */
  next(): Promise<number | undefined>;
}

/** Closed loop: a caller begins its next operation as soon as the last one has ended. */
export function closedLoop(endsAtMs: number, nowMs: () => number): Pace {
  return {
    async next() {
      const now = nowMs();
      return now < endsAtMs ? now : undefined;
    },
  };
}

/**
 * Open loop: operations are due at fixed intervals whatever became of the ones before, and latency counts from the time an operation
 * was due. A database that stalls thus shows the stall to everybody who would have come meanwhile (no coordinated
 * omission, as Gil Tene named the mistake). All callers share one pace; when none is free, the next one free takes the oldest due.
 */
export function openLoop(perSecond: number, startsAtMs: number, endsAtMs: number, nowMs: () => number): Pace {
  let taken = 0;
  return {
    async next() {
      const dueAtMs = startsAtMs + (taken * 1000) / perSecond;
      taken += 1;
      if (dueAtMs >= endsAtMs) return undefined;
      for (let early = dueAtMs - nowMs(); early > 0; early = dueAtMs - nowMs()) await pause(Math.ceil(early));
      return dueAtMs;
    },
  };
}

import { ShoalError } from '@shoal/protocol';
import { pause, type Timers } from '@shoal/pacing';
import { GATEWAY_LIMITS } from '../limits.ts';

/** Doubles from 1 ms: others need time to finish what defeated a compare-and-set, and a registry to show it to readers. */
const pauseMs = (attempt: number): number => Math.min(2 ** attempt, GATEWAY_LIMITS.registryPauseMaxMs);

/**
 * Runs a step of a protocol on the registry again, after a pause, for as long as it returns undefined: somebody else was faster,
 * and the registry must be read anew. Gives up with `overloaded`.
 */
export async function untilSettled<T>(timers: Timers, what: string, step: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < GATEWAY_LIMITS.registryAttempts; attempt += 1) {
    const settled = await step();
    if (settled !== undefined) return settled;
    await pause(timers, pauseMs(attempt));
  }
  throw new ShoalError('overloaded', `${what} was overtaken by others too often.`);
}

/**
 * Leaves room to others: after each piece there is a rest of BUS_LIMITS.snapshotRest times as long as making and taking it took. What is long, as the
 * copy of a slot, takes longer then, and what is short, as a write that waits for its turn on the same core or disk, does not.
 */
import { BUS_LIMITS } from './limits.ts';
import { pause } from './pause.ts';

export async function* eased(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let startedMs = performance.now();
  for await (const piece of pieces) {
    yield piece;
    await pause(Math.min((performance.now() - startedMs) * BUS_LIMITS.snapshotRest, BUS_LIMITS.snapshotRestMaxMs), signal);
    startedMs = performance.now();
  }
}

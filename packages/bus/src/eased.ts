/**
 * Leaves room to others: after each piece, who takes them gets the next only when it has rested for BUS_LIMITS.snapshotRest times as long as it worked on that
 * one. What is long, as the copy of a slot, then takes longer, and what is short, as a write that waits for its place on the same disk, does not.
 */
import { BUS_LIMITS } from './limits.ts';
import { pause } from './pause.ts';

export async function* eased(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    const startedMs = performance.now();
    yield piece;
    await pause(Math.min((performance.now() - startedMs) * BUS_LIMITS.snapshotRest, BUS_LIMITS.snapshotRestMaxMs), signal);
  }
}

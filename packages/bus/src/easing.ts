/**
 * Leaves room to others: after each piece there is a rest of BUS_LIMITS.snapshotRest times as long as making and taking it took. What is long, as the
 * copy of a slot, takes longer then, and what is short, as a write that waits for its turn on the same core or disk, does not. The rests of one copy are
 * bounded altogether, so that a large one is not late by more than that: the log is kept until it is whole.
 */
import { BUS_LIMITS } from './limits.ts';
import { pause } from './pause.ts';

export interface EasingTime {
  nowMs(): number;
  pause(delayMs: number, signal: AbortSignal): Promise<void>;
}

const SYSTEM: EasingTime = { nowMs: () => performance.now(), pause };

export class Easing {
  readonly #signal: AbortSignal;
  readonly #time: EasingTime;
  #leftMs: number = BUS_LIMITS.snapshotRestTotalMs;

  constructor(signal: AbortSignal, time: EasingTime = SYSTEM) {
    this.#signal = signal;
    this.#time = time;
  }

  async* of(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let startedMs = this.#time.nowMs();
    for await (const piece of pieces) {
      yield piece;
      await this.#rest(this.#time.nowMs() - startedMs);
      startedMs = this.#time.nowMs();
    }
  }

  async #rest(tookMs: number): Promise<void> {
    const restMs = Math.min(tookMs * BUS_LIMITS.snapshotRest, BUS_LIMITS.snapshotRestMaxMs, this.#leftMs);
    this.#leftMs -= restMs;
    if (restMs > 0) await this.#time.pause(restMs, this.#signal);
  }
}

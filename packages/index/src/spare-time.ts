import { OWN_CPU_HIGH, OWN_CPU_LOW, OWN_LONG_MS, OWN_LOOK_MS, OWN_REST, OWN_SHARE_FALL, OWN_SHARE_LEAST, OWN_SHARE_RISE, OWN_TURN_MS } from './limits.ts';
import type { ThreadTime } from './thread-time.ts';

/** One turn of the event loop. */
interface Turn {
  readonly isGiven: boolean;
  spentMs: number;
}

/**
 * Whether the calling thread has time to search by itself. Handing a search to another thread and the answer back costs more processor time than half
 * of the search, and two wake-ups that whoever asked waits for; but a thread without time to spare is the last that should take on more.
 *
 * Invariants:
 * 1. In one turn of the event loop at most OWN_TURN_MS are given, and what the search that was begun last takes beyond.
 * 2. `share` of the turns are given. It falls while the thread takes more than OWN_CPU_HIGH of a processor's time and rises while it takes less than
 *    OWN_CPU_LOW, so that searches are shared with other threads when there are more than this one has time for.
 * 3. After a search that took OWN_LONG_MS or longer nothing is given for OWN_REST times as long.
 */
export class SpareTime {
  readonly #time: ThreadTime;
  #share = 1;
  /** Turns that were due by `share` and not given yet. */
  #due = 0;
  #turn: Turn | undefined;
  #restUntilMs = -Infinity;
  #lookedAt: { readonly nowMs: number; readonly cpuMs: number };

  constructor(time: ThreadTime) {
    this.#time = time;
    this.#lookedAt = { nowMs: time.nowMs(), cpuMs: time.cpuMs() };
  }

  get share(): number {
    return this.#share;
  }

  /** Whether a search would have time now. */
  isLeft(): boolean {
    return this.#turnWithTime(this.#time.nowMs()) !== undefined;
  }

  #turnWithTime(nowMs: number): Turn | undefined {
    const turn = this.#turn ?? this.#beginTurn(nowMs);
    return turn.isGiven && turn.spentMs < OWN_TURN_MS && nowMs >= this.#restUntilMs ? turn : undefined;
  }

  /** Runs the search if there is time for it now, and tells whether it did. */
  spend(search: () => void): boolean {
    const startedMs = this.#time.nowMs();
    const turn = this.#turnWithTime(startedMs);
    if (turn === undefined) return false;
    search();
    const endedMs = this.#time.nowMs();
    const tookMs = endedMs - startedMs;
    turn.spentMs += tookMs;
    if (tookMs >= OWN_LONG_MS) this.#restUntilMs = endedMs + tookMs * OWN_REST;
    return true;
  }

  #beginTurn(nowMs: number): Turn {
    this.#look(nowMs);
    this.#due = Math.min(this.#due + this.#share, 1);
    const isGiven = this.#due >= 1;
    if (isGiven) this.#due -= 1;
    this.#turn = { isGiven, spentMs: 0 };
    this.#time.nextTurn(() => {
      this.#turn = undefined;
    });
    return this.#turn;
  }

  /** Adapts the share to the processor time that the thread has taken since it was looked at last. */
  #look(nowMs: number): void {
    const passedMs = nowMs - this.#lookedAt.nowMs;
    if (passedMs < OWN_LOOK_MS) return;
    const cpuMs = this.#time.cpuMs();
    const taken = (cpuMs - this.#lookedAt.cpuMs) / passedMs;
    this.#lookedAt = { nowMs, cpuMs };
    if (taken > OWN_CPU_HIGH) this.#share = this.#share < OWN_SHARE_LEAST ? 0 : this.#share * OWN_SHARE_FALL;
    else if (taken < OWN_CPU_LOW) this.#share = Math.min(1, this.#share + OWN_SHARE_RISE);
  }
}

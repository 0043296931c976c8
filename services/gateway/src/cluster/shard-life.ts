import type { Sequence, Slot } from '@shoal/protocol';
import { GATEWAY_LIMITS } from '../limits.ts';

/** What a shard had applied in a slot, and when this gateway heard of it. */
export interface Progress {
  readonly applied: Sequence;
  readonly atMs: number;
}

/**
 * Signs of life of one shard, as this gateway sees them: announcements and answers. A shard whose process stands still sends neither,
 * while the broker goes on to take messages for it.
 */
export class ShardLife {
  /** Questions that it has not answered. */
  underWay = 0;
  #lastSignMs: number;
  /** When the first question was sent, since the last sign, that is answered at once by a shard that lives. */
  #unansweredSinceMs: number | undefined;
  readonly #refused = new Set<Slot>();
  /** What its answers since the last announcement told, by slot. */
  readonly #progress = new Map<Slot, Progress>();

  constructor(nowMs: number) {
    this.#lastSignMs = nowMs;
  }

  announced(nowMs: number): void {
    this.#refused.clear();
    this.#progress.clear();
    this.#sign(nowMs);
  }

  sent(nowMs: number, isPrompt: boolean): void {
    this.underWay += 1;
    if (isPrompt) this.#unansweredSinceMs ??= nowMs;
  }

  answered(nowMs: number): void {
    this.underWay -= 1;
    this.#sign(nowMs);
  }

  /** An answer said what it includes. */
  hasApplied(slot: Slot, applied: Sequence, nowMs: number): void {
    const known = this.#progress.get(slot);
    if (known === undefined || applied >= known.applied) this.#progress.set(slot, { applied, atMs: nowMs });
  }

  /** By its answers since the last announcement; undefined when there were none. */
  progressSince(slot: Slot): Progress | undefined {
    return this.#progress.get(slot);
  }

  /** No answer came in time, or it was lost. */
  unanswered(): void {
    this.underWay -= 1;
  }

  /** Nobody served the slot under the name of the shard: that holds until it announces itself again. */
  refused(slot: Slot): void {
    this.underWay -= 1;
    this.#refused.add(slot);
  }

  hasRefused(slot: Slot): boolean {
    return this.#refused.has(slot);
  }

  /** Whether it should be asked last, and nobody should wait for it. */
  isSilent(nowMs: number): boolean {
    if (this.isAway(nowMs)) return true;
    return this.#unansweredSinceMs !== undefined && nowMs - this.#unansweredSinceMs > GATEWAY_LIMITS.answerOverdueMs;
  }

  /** Whether it gave no sign of life at all for so long that it does not seem to be there. */
  isAway(nowMs: number): boolean {
    return nowMs - this.#lastSignMs > GATEWAY_LIMITS.announcementOverdueMs;
  }

  #sign(nowMs: number): void {
    this.#lastSignMs = nowMs;
    this.#unansweredSinceMs = undefined;
  }
}

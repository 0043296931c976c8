import type { Sequence, ShardId, ShardStatus, Slot } from '@shoal/protocol';
import { SHARD_LIMITS } from './limits.ts';

/** What was heard in a short stretch of time: at its end, some replica had applied so much. */
interface Heard {
  readonly fromMs: number;
  atMs: number;
  applied: Sequence;
}

/**
 * How far the other replicas of each slot were at the moments when they told. All replicas of a slot count by the sequences of the
 * same stream, so whoever has not applied what another one had applied some time ago is behind it by that time at least.
 *
 * Invariant: nobody lags behind a replica that is not ready, lags itself, or is silent; so of the replicas that hear of each
 * other the one that is farthest never lags.
 */
export class PeerProgress {
  readonly #own: ShardId;
  readonly #nowMs: () => number;
  readonly #bySlot = new Map<Slot, Heard[]>();

  constructor(own: ShardId, nowMs: () => number) {
    this.#own = own;
    this.#nowMs = nowMs;
  }

  hear(status: ShardStatus): void {
    if (status.shard === this.#own) return;
    const atMs = this.#nowMs();
    for (const { slot, ready, lagging, appliedSequence } of status.slots) {
      if (!ready || lagging === true) continue;
      const heard = this.#bySlot.get(slot) ?? [];
      this.#bySlot.set(slot, heard);
      const last = heard.at(-1);
      if (last !== undefined && atMs - last.fromMs < SHARD_LIMITS.peerProgressStretchMs) {
        last.atMs = atMs;
        if (appliedSequence > last.applied) last.applied = appliedSequence;
        continue;
      }
      heard.push({ fromMs: atMs, atMs, applied: appliedSequence });
      while (heard.length > SHARD_LIMITS.peerProgressEntries) heard.shift();
    }
  }

  /** Whether a replica that has applied so much lags; one that lagged before has to come closer than one that did not. */
  isLagging(slot: Slot, applied: Sequence, lagged: boolean): boolean {
    const heard = this.#bySlot.get(slot);
    if (heard === undefined) return false;
    const nowMs = this.#nowMs();
    while (heard[0] !== undefined && nowMs - heard[0].atMs > SHARD_LIMITS.peerProgressMs) heard.shift();
    const agoMs = lagged ? SHARD_LIMITS.caughtUpMs : SHARD_LIMITS.laggingMs;
    return heard.some((each) => each.applied > applied && nowMs - each.atMs >= agoMs);
  }
}

import { ShoalError, type Sequence, type Slot } from '@shoal/protocol';
import { pause, type Clock, type Timers } from '@shoal/pacing';
import { progressOf, type Replicas } from '../cluster/replica.ts';
import { GATEWAY_LIMITS } from '../limits.ts';

export interface ApplyBacklogDependencies {
  readonly replicas: Pick<Replicas, 'replicasOf'>;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Writes of a short stretch of time. */
interface Stretch {
  readonly fromMs: number;
  last: Sequence;
}

/**
 * Keeps the log from running ahead of the replicas: a read that carries the receipt of a write waits for everything before it, so a
 * backlog longer than its deadline would make every receipt unreachable. Each gateway measures by its own writes, with its own clock.
 *
 * Invariants:
 * 1. A write waits for half of its own time at most, and only while a replica that keeps pace is behind
 *    by GATEWAY_LIMITS.backlogMs; GATEWAY_LIMITS.delayedWritesPerSlot of a slot wait at most.
 * 2. Where no replica is known to keep pace nobody waits: the log takes writes while shards are away.
 */
export class ApplyBacklog {
  readonly #dependencies: ApplyBacklogDependencies;
  /** Writes that waited, and those that were refused, since the start. */
  readonly counts = { delayed: 0, refused: 0 };
  readonly #written = new Map<Slot, Stretch[]>();
  readonly #waiting = new Map<Slot, number>();

  constructor(dependencies: ApplyBacklogDependencies) {
    this.#dependencies = dependencies;
  }

  /** The log took a message of this gateway. */
  note(slot: Slot, sequence: Sequence): void {
    const { backlogStretches, backlogStretchMs } = GATEWAY_LIMITS;
    const nowMs = this.#dependencies.clock.nowMs();
    const written = this.#written.get(slot) ?? [];
    this.#written.set(slot, written);
    const newest = written.at(-1);
    if (newest !== undefined && (nowMs - newest.fromMs < backlogStretchMs || written.length >= backlogStretches)) {
      if (sequence > newest.last) newest.last = sequence;
    } else {
      written.push({ fromMs: nowMs, last: sequence });
    }
  }

  /**
   * How old the oldest write was that some replica which keeps pace had not applied when that was last heard of it; 0 when there is none. It does not
   * grow while nothing is heard.
   */
  behindMs(slot: Slot): number {
    const { replicas, clock } = this.#dependencies;
    const written = this.#written.get(slot);
    if (written === undefined) return 0;
    const nowMs = clock.nowMs();
    let [behindMs, appliedByAll] = [0, Number.POSITIVE_INFINITY];
    for (const replica of replicas.replicasOf(slot)) {
      if (replica.lagging || replica.life.isAway(nowMs)) continue;
      const { applied, atMs } = progressOf(replica, slot);
      const oldest = written.find(({ last }) => last > applied);
      if (oldest !== undefined) behindMs = Math.max(behindMs, atMs - oldest.fromMs);
      appliedByAll = Math.min(appliedByAll, applied);
    }
    while (appliedByAll !== Number.POSITIVE_INFINITY && written[0] !== undefined && written[0].last <= appliedByAll) written.shift();
    return behindMs;
  }

  /** Resolves when a write to these slots may go to the log. Rejects with `overloaded` when they stay too far behind. */
  async room(slots: Iterable<Slot>, timeoutMs: number): Promise<void> {
    const untilMs = this.#dependencies.clock.nowMs() + timeoutMs * GATEWAY_LIMITS.backlogWaitShare;
    for (const slot of slots) if (this.behindMs(slot) > GATEWAY_LIMITS.backlogMs) await this.#wait(slot, untilMs);
  }

  async #wait(slot: Slot, untilMs: number): Promise<void> {
    const { clock, timers } = this.#dependencies;
    const waiting = this.#waiting.get(slot) ?? 0;
    if (waiting >= GATEWAY_LIMITS.delayedWritesPerSlot) throw this.#refusal(slot);
    this.counts.delayed += 1;
    this.#waiting.set(slot, waiting + 1);
    try {
      while (this.behindMs(slot) > GATEWAY_LIMITS.backlogMs && clock.nowMs() < untilMs) await pause(timers, GATEWAY_LIMITS.backlogLookMs);
    } finally {
      this.#waiting.set(slot, (this.#waiting.get(slot) ?? 1) - 1);
    }
    if (this.behindMs(slot) > GATEWAY_LIMITS.backlogRefusedMs) throw this.#refusal(slot);
  }

  #refusal(slot: Slot): ShoalError {
    this.counts.refused += 1;
    return new ShoalError('overloaded', `The shards of slot ${slot} are ${Math.round(this.behindMs(slot))} ms behind the log; they take no more writes until they have caught up. Try again.`);
  }
}

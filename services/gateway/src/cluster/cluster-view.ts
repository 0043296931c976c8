import type { Requests, Serving } from '@shoal/bus';
import { SUBJECTS, decodeShardStatus, type Sequence, type ShardId, type ShardStatus, type Slot } from '@shoal/protocol';
import type { Logger } from 'pino';
import type { Clock } from '@shoal/pacing';
import { GATEWAY_LIMITS } from '../limits.ts';

export interface HeardShard {
  readonly status: ShardStatus;
  readonly lastSeenMs: number;
}

export interface ClusterViewDependencies {
  readonly requests: Requests;
  readonly slots: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const NOTHING_APPLIED = 0 as Sequence;

/** What the shards announce about themselves. A shard that was silent for GATEWAY_LIMITS.shardSilenceMs is gone. */
export class ClusterView {
  readonly #dependencies: ClusterViewDependencies;
  readonly #shards = new Map<ShardId, HeardShard>();
  /** Per slot, the least that any ready shard has applied; recomputed with every announcement. */
  readonly #floors: Sequence[];
  readonly #readyUntilMs: number[];
  #listening: Serving | undefined;

  constructor(dependencies: ClusterViewDependencies) {
    this.#dependencies = dependencies;
    this.#floors = new Array<Sequence>(dependencies.slots).fill(NOTHING_APPLIED);
    this.#readyUntilMs = new Array<number>(dependencies.slots).fill(0);
  }

  async start(): Promise<void> {
    this.#listening = await this.#dependencies.requests.listen(SUBJECTS.shardStatus, (payload) => this.#hear(payload));
  }

  async close(): Promise<void> {
    await this.#listening?.close();
  }

  /** The shards that are there, by name. */
  shards(): readonly HeardShard[] {
    this.#forgetSilent();
    return [...this.#shards.values()].sort((a, b) => (a.status.shard < b.status.shard ? -1 : 1));
  }

  /** Slots for which no shard is ready. */
  unservedSlots(): readonly number[] {
    const nowMs = this.#dependencies.clock.nowMs();
    return this.#readyUntilMs.flatMap((untilMs, slot) => (untilMs > nowMs ? [] : [slot]));
  }

  /** What every ready shard of the slot has applied at least; 0 when that is not known. */
  appliedFloor(slot: Slot): Sequence {
    return this.#floors[slot] ?? NOTHING_APPLIED;
  }

  #hear(payload: Uint8Array): void {
    const { clock, logger } = this.#dependencies;
    try {
      const status = decodeShardStatus(payload);
      const known = this.#shards.get(status.shard)?.status;
      const isOld = known !== undefined && (status.startedAtMs < known.startedAtMs
        || (status.startedAtMs === known.startedAtMs && status.count <= known.count));
      if (isOld) return;
      if (known === undefined && this.#shards.size >= GATEWAY_LIMITS.shards) return;
      this.#shards.set(status.shard, { status, lastSeenMs: clock.nowMs() });
      this.#forgetSilent();
      this.#summarise();
    } catch (error) {
      logger.warn({ err: error }, 'an announcement of a shard cannot be read; it is left out');
    }
  }

  #forgetSilent(): void {
    const oldestMs = this.#dependencies.clock.nowMs() - GATEWAY_LIMITS.shardSilenceMs;
    for (const [shard, { lastSeenMs }] of this.#shards) {
      if (lastSeenMs < oldestMs) this.#shards.delete(shard);
    }
  }

  #summarise(): void {
    const floors = this.#floors.fill(NOTHING_APPLIED);
    const seen = new Set<Slot>();
    this.#readyUntilMs.fill(0);
    for (const { status, lastSeenMs } of this.#shards.values()) {
      for (const { slot, ready, appliedSequence } of status.slots) {
        if (!ready || slot >= floors.length) continue;
        const floor = floors[slot] ?? NOTHING_APPLIED;
        floors[slot] = seen.has(slot) && floor < appliedSequence ? floor : appliedSequence;
        seen.add(slot);
        this.#readyUntilMs[slot] = Math.max(this.#readyUntilMs[slot] ?? 0, lastSeenMs + GATEWAY_LIMITS.shardSilenceMs);
      }
    }
  }
}

import type { Requests, Serving } from '@shoal/bus';
import { SUBJECTS, decodeShardStatus, type EmbeddingCode, type Sequence, type ShardId, type ShardStatus, type Slot } from '@shoal/protocol';
import type { Logger } from 'pino';
import type { Clock } from '@shoal/pacing';
import { GATEWAY_LIMITS } from '../limits.ts';
import type { Replica, Replicas } from './replica.ts';
import { ShardLife } from './shard-life.ts';

export interface HeardShard {
  readonly status: ShardStatus;
  readonly lastSeenMs: number;
  readonly life: ShardLife;
}

export interface ClusterViewDependencies {
  readonly requests: Requests;
  readonly slots: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const NOTHING_APPLIED = 0 as Sequence;
const NOBODY: readonly Replica[] = [];
const NO_EMBEDDINGS: readonly EmbeddingCode[] = [];

/** What the shards announce about themselves. A shard that was silent for GATEWAY_LIMITS.shardSilenceMs is gone. */
export class ClusterView implements Replicas {
  readonly #dependencies: ClusterViewDependencies;
  readonly #shards = new Map<ShardId, HeardShard>();
  /** Per slot, the least that any ready shard that does not lag has applied; recomputed with every announcement, like the replicas. */
  readonly #floors: Sequence[];
  #replicas: Replica[][] = [];
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

  /** The shards that are ready for a slot. */
  replicasOf(slot: Slot): readonly Replica[] {
    return this.#replicas[slot] ?? NOBODY;
  }

  isServed(slot: Slot): boolean {
    return (this.#readyUntilMs[slot] ?? 0) > this.#dependencies.clock.nowMs();
  }

  /** What every ready shard of the slot that does not lag has applied at least; 0 when that is not known. */
  appliedFloor(slot: Slot): Sequence {
    return this.#floors[slot] ?? NOTHING_APPLIED;
  }

  #hear(payload: Uint8Array): void {
    const { clock, logger } = this.#dependencies;
    try {
      const status = decodeShardStatus(payload);
      // A shard whose clock was set back starts, by that clock, before it ended: it is heard once its earlier run has been silent.
      this.#forgetSilent();
      const heard = this.#shards.get(status.shard);
      const known = heard?.status;
      const isOld = known !== undefined && (status.startedAtMs < known.startedAtMs
        || (status.startedAtMs === known.startedAtMs && status.count <= known.count));
      if (isOld) return;
      if (known === undefined && this.#shards.size >= GATEWAY_LIMITS.shards) return;
      const nowMs = clock.nowMs();
      const life = heard?.life ?? new ShardLife(nowMs);
      life.announced(nowMs);
      this.#shards.set(status.shard, { status, lastSeenMs: nowMs, life });
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
    this.#replicas = floors.map(() => []);
    this.#readyUntilMs.fill(0);
    for (const { status, lastSeenMs, life } of this.#shards.values()) {
      for (const { slot, ready, lagging = false, withoutMemory = NO_EMBEDDINGS, appliedSequence } of status.slots) {
        if (!ready || slot >= floors.length) continue;
        this.#replicas[slot]?.push({ shard: status.shard, subject: SUBJECTS.queryOf(slot, status.shard), lagging, withoutMemory, announced: { applied: appliedSequence, atMs: lastSeenMs }, life });
        this.#readyUntilMs[slot] = Math.max(this.#readyUntilMs[slot] ?? 0, lastSeenMs + GATEWAY_LIMITS.shardSilenceMs);
        if (lagging) continue;
        const floor = floors[slot] ?? NOTHING_APPLIED;
        floors[slot] = seen.has(slot) && floor < appliedSequence ? floor : appliedSequence;
        seen.add(slot);
      }
    }
  }
}

import { LIMITS, type ReplicaContent, type ShardId, type ShardStatus, type Slot } from '@shoal/protocol';
import { SHARD_LIMITS } from './limits.ts';

/** What the other shards told last of the contents of their slots. Shards that fell silent are left out. */
export class PeerContents {
  readonly #own: ShardId;
  readonly #nowMs: () => number;
  readonly #heard = new Map<ShardId, { readonly atMs: number; readonly status: ShardStatus }>();

  constructor(own: ShardId, nowMs: () => number) {
    this.#own = own;
    this.#nowMs = nowMs;
  }

  hear(status: ShardStatus): void {
    if (status.shard === this.#own) return;
    if (!this.#heard.has(status.shard) && this.#heard.size >= LIMITS.shards) this.#forgetSilent();
    if (this.#heard.has(status.shard) || this.#heard.size < LIMITS.shards) this.#heard.set(status.shard, { atMs: this.#nowMs(), status });
  }

  /** The other replicas of each slot. */
  bySlot(): ReadonlyMap<Slot, readonly ReplicaContent[]> {
    this.#forgetSilent();
    const found = new Map<Slot, ReplicaContent[]>();
    for (const { status: { shard, slots } } of this.#heard.values()) {
      for (const { slot, appliedSequence, content } of slots) {
        if (content === undefined) continue;
        const replicas = found.get(slot) ?? [];
        found.set(slot, replicas);
        replicas.push({ shard, appliedSequence, content });
      }
    }
    return found;
  }

  #forgetSilent(): void {
    const oldestMs = this.#nowMs() - SHARD_LIMITS.peerSilenceMs;
    for (const [shard, { atMs }] of this.#heard) if (atMs < oldestMs) this.#heard.delete(shard);
  }
}

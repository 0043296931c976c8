import { compareReplicas, type ClusterSlot, type ReplicaAgreement, type ReplicaContent, type ShardId, type Slot, type SlotStatus } from '@shoal/protocol';
import type { HeardShard } from './cluster-view.ts';

/** How the replicas of all slots compare, from what the shards announced last. */
export class ClusterAgreement {
  readonly #verdicts = new Map<string, ReplicaAgreement>();

  constructor(shards: readonly Pick<HeardShard, 'status'>[]) {
    const bySlot = new Map<Slot, ReplicaContent[]>();
    for (const { status: { shard, slots } } of shards) {
      for (const { slot, appliedSequence, content } of slots) {
        if (content === undefined) continue;
        const replicas = bySlot.get(slot) ?? [];
        bySlot.set(slot, replicas);
        replicas.push({ shard, appliedSequence, content });
      }
    }
    for (const [slot, replicas] of bySlot) {
      for (const verdict of compareReplicas(replicas)) this.#verdicts.set(`${slot} ${verdict.shard}`, verdict);
    }
  }

  /** The status of a slot as callers see it. */
  slotToJson(shard: ShardId, { content, ...rest }: SlotStatus): ClusterSlot {
    const compared = this.#verdicts.get(`${rest.slot} ${shard}`);
    if (content === undefined || compared === undefined) return rest;
    const { digest, verified, rebuildCount } = content;
    return {
      ...rest,
      content: {
        digest,
        agreement: compared.verdict,
        comparedSequence: compared.sequence,
        differsFrom: [...compared.others],
        verifications: verified?.count ?? 0,
        ...(verified === undefined ? {} : { verifiedSequence: verified.sequence }),
        rebuildCount,
      },
    };
  }
}

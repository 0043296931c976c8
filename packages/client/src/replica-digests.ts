import type { ClusterResponse, ClusterSlot } from '@shoal/protocol';

export interface ReplicaDigest {
  readonly shard: string;
  readonly ready: boolean;
  readonly appliedSequence: number;
  /** Absent while the replica is being recovered. */
  readonly digest?: string;
  readonly agreement?: NonNullable<ClusterSlot['content']>['agreement'];
}

export interface SlotDigests {
  readonly slot: number;
  readonly replicas: readonly ReplicaDigest[];
  /** Whether all replicas have applied the same sequence and hold the same content there. Replicas that still apply are not equal yet. */
  readonly equal: boolean;
}

/** The replicas of every slot that some shard holds, by slot and by name of the shard. */
export function replicaDigestsOf(cluster: ClusterResponse): SlotDigests[] {
  const bySlot = new Map<number, ReplicaDigest[]>();
  for (const { shard, slots } of cluster.shards) {
    for (const { slot, ready, appliedSequence, content } of slots) {
      const replicas = bySlot.get(slot) ?? [];
      bySlot.set(slot, replicas);
      replicas.push({ shard, ready, appliedSequence, ...(content === undefined ? {} : { digest: content.digest, agreement: content.agreement }) });
    }
  }
  return [...bySlot].sort(([a], [b]) => a - b).map(([slot, replicas]) => {
    const [first] = replicas;
    const equal = replicas.every(({ appliedSequence, digest }) => digest !== undefined && digest === first?.digest && appliedSequence === first.appliedSequence);
    return { slot, replicas: replicas.sort((a, b) => (a.shard < b.shard ? -1 : 1)), equal };
  });
}

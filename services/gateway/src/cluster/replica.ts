import type { Sequence, ShardId, Slot } from '@shoal/protocol';
import type { ShardLife } from './shard-life.ts';

/** A slot on one shard that is ready to answer. */
export interface Replica {
  readonly shard: ShardId;
  /** Where exactly this one is asked. */
  readonly subject: string;
  /** It says that others are ahead. */
  readonly lagging: boolean;
  readonly life: ShardLife;
}

/** Who can be asked about a slot, as far as it is known. */
export interface Replicas {
  replicasOf(slot: Slot): readonly Replica[];
  /** Whether a shard that was ready for the slot has been heard of lately: then a silence is likely to pass. */
  isServed(slot: Slot): boolean;
  /** What every replica that keeps pace is known to have applied; 0 when that is not known. */
  appliedFloor(slot: Slot): Sequence;
}

/**
 * From the one that should be asked first. `turn` shares out questions between those that are equally good. A shard that nobody reached
 * for this slot is left out until it announces itself again.
 */
export function inOrder(replicas: readonly Replica[], slot: Slot, nowMs: number, turn: number): readonly Replica[] {
  const present = replicas.filter(({ life }) => !life.hasRefused(slot));
  if (present.length < 2) return present;
  const first = turn % present.length;
  const standing = ({ life, lagging }: Replica): number => {
    if (life.isSilent(nowMs)) return 2;
    return lagging ? 1 : 0;
  };
  return [...present.slice(first), ...present.slice(0, first)]
    .map((replica) => ({ replica, standing: standing(replica), underWay: replica.life.underWay }))
    .sort((a, b) => a.standing - b.standing || a.underWay - b.underWay)
    .map(({ replica }) => replica);
}

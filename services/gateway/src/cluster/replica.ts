import type { EmbeddingCode, Sequence, ShardId, Slot } from '@shoal/protocol';
import type { Progress, ShardLife } from './shard-life.ts';

/** A slot on one shard that is ready to answer. */
export interface Replica {
  readonly shard: ShardId;
  /** Where exactly this one is asked. */
  readonly subject: string;
  /** It says that others are ahead. */
  readonly lagging: boolean;
  /** Embeddings whose vectors find no memory there. */
  readonly withoutMemory: readonly EmbeddingCode[];
  /** When it announced itself, and what it had applied then. */
  readonly announced: Progress;
  readonly life: ShardLife;
}

/** What a replica is known to have applied, by its announcement and its answers since. */
export function progressOf({ announced, life }: Replica, slot: Slot): Progress {
  const answered = life.progressSince(slot);
  return answered === undefined || answered.applied < announced.applied ? announced : answered;
}

/** Who can be asked about a slot, as far as it is known. */
export interface Replicas {
  replicasOf(slot: Slot): readonly Replica[];
  /** Whether a shard that was ready for the slot has been heard of lately: then a silence is likely to pass. */
  isServed(slot: Slot): boolean;
  /** What every replica that keeps pace is known to have applied; 0 when that is not known. */
  appliedFloor(slot: Slot): Sequence;
}

/** What is asked of a slot: the sequence that the answer must include, and a count that shares out questions between those that are equally good. */
export interface Question {
  readonly wanted: Sequence;
  readonly turn: number;
}

/**
 * From the one that should be asked first: one that is known to have applied what is wanted comes before those that keep pace, and one that
 * lags after them. A shard that nobody reached for this slot is left out until it announces itself again.
 */
export function inOrder(replicas: readonly Replica[], slot: Slot, nowMs: number, { wanted, turn }: Question): readonly Replica[] {
  const present = replicas.filter(({ life }) => !life.hasRefused(slot));
  if (present.length < 2) return present;
  const first = turn % present.length;
  const standing = (replica: Replica): number => {
    if (replica.life.isSilent(nowMs)) return 3;
    if (wanted > 0 && progressOf(replica, slot).applied >= wanted) return 0;
    return replica.lagging ? 2 : 1;
  };
  return [...present.slice(first), ...present.slice(0, first)]
    .map((replica) => ({ replica, standing: standing(replica), underWay: replica.life.underWay }))
    .sort((a, b) => a.standing - b.standing || a.underWay - b.underWay)
    .map(({ replica }) => replica);
}

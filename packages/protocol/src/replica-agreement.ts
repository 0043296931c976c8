/**
 * Compares the replicas of one slot by their digests. Pure: shards decide with it about themselves, gateways show what it says, and both
 * come to the same verdict from the same announcements.
 */
import type { Sequence, ShardId } from './ids.ts';
import type { SlotContent } from './slot-content.ts';

export interface ReplicaContent {
  readonly shard: ShardId;
  readonly appliedSequence: Sequence;
  readonly content: SlotContent;
}

/**
 * alone: no other replica is known at a sequence at which this one is.
 * agrees: with all others there, or with most of them.
 * outvoted: most of them agree on another digest.
 * disputed: there are different digests, and none that most have.
 */
export const REPLICA_VERDICTS = ['alone', 'agrees', 'outvoted', 'disputed'] as const;

export interface ReplicaAgreement {
  readonly shard: ShardId;
  readonly verdict: (typeof REPLICA_VERDICTS)[number];
  /** The newest sequence at which it was compared; 0 for `alone`. */
  readonly sequence: Sequence;
  /** The newest sequence at which it had the same digest as every other that is known there; 0 when there is none. */
  readonly agreedSequence: Sequence;
  /** Those that had another digest at `sequence`. */
  readonly others: readonly ShardId[];
}

const NEVER = 0 as Sequence;

/** One verdict for each replica, in their order. Replicas whose digests are made in another way are not compared with each other. */
export function compareReplicas(replicas: readonly ReplicaContent[]): ReplicaAgreement[] {
  return replicas.map((replica) => judge(replica, replicas.filter(({ content }) => content.version === replica.content.version)));
}

function digestsOf({ appliedSequence, content }: ReplicaContent): ReadonlyMap<Sequence, string> {
  return new Map([...content.marks.map(({ sequence, digest }) => [sequence, digest] as const), [appliedSequence, content.digest]]);
}

function judge(replica: ReplicaContent, comparable: readonly ReplicaContent[]): ReplicaAgreement {
  const { shard } = replica;
  const others = comparable.filter((other) => other.shard !== shard).map((other) => ({ shard: other.shard, digests: digestsOf(other) }));
  let newest: ReplicaAgreement = { shard, verdict: 'alone', sequence: NEVER, agreedSequence: NEVER, others: [] };
  let agreedSequence = NEVER;
  for (const [sequence, digest] of digestsOf(replica)) {
    const known = others.flatMap(({ shard: other, digests }) => {
      const theirs = digests.get(sequence);
      return theirs === undefined ? [] : [{ shard: other, digest: theirs }];
    });
    if (known.length === 0) continue;
    const different = known.filter((other) => other.digest !== digest);
    if (different.length === 0 && sequence > agreedSequence) agreedSequence = sequence;
    if (newest.verdict !== 'alone' && sequence <= newest.sequence) continue;
    newest = { shard, verdict: verdictOf(digest, known), sequence, agreedSequence: NEVER, others: different.map((other) => other.shard) };
  }
  return { ...newest, agreedSequence };
}

function verdictOf(own: string, known: readonly { readonly digest: string }[]): ReplicaAgreement['verdict'] {
  const counts = new Map<string, number>([[own, 1]]);
  for (const { digest } of known) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  if (counts.size === 1) return 'agrees';
  const majority = [...counts].find(([, count]) => 2 * count > known.length + 1)?.[0];
  if (majority === undefined) return 'disputed';
  return majority === own ? 'agrees' : 'outvoted';
}

/**
 * What a replica does about the digests of the others. It decides about itself only, from what all can hear:
 *
 *   agrees              go on; the newest sequence at which all agreed is remembered
 *   outvoted            stop answering, give the rows up, begin again from a snapshot or the log
 *   disputed            nobody has a majority: take no snapshots and trim nothing, read all own rows again, which decides where one replica's
 *                       disk is at fault; if that finds nothing, one after the other begins again from before the disagreement, for what is
 *                       right is what the log gives. The other one answers meanwhile.
 *   disputed still      both follow the log and differ: the alarm stays, both answer, and an operator has to look
 */
import { compareReplicas, ShoalError, type ReplicaContent, type Sequence, type ShardId, type Slot } from '@shoal/protocol';
import { SHARD_LIMITS } from './limits.ts';

export type AgreementStep =
  | { readonly type: 'go-on' }
  /** The newest snapshots may be as wrong as the rows. */
  | { readonly type: 'dispute'; readonly begins: boolean; readonly error: ShoalError }
  | { readonly type: 'rebuild'; readonly error: ShoalError; readonly trustedUpTo: Sequence | undefined };

export class SlotAgreement {
  readonly #slot: Slot;
  readonly #shard: ShardId;
  #agreedSequence = 0 as Sequence;
  #disputeLooks = 0;
  #verifiedInDispute = false;
  #rebuildCount = 0;

  constructor(slot: Slot, shard: ShardId) {
    this.#slot = slot;
    this.#shard = shard;
  }

  /** Rebuilds since the slot last agreed with another replica. */
  get rebuildCount(): number {
    return this.#rebuildCount;
  }

  rebuilt(): void {
    this.#rebuildCount += 1;
    this.#disputeLooks = 0;
    this.#verifiedInDispute = false;
  }

  /** All rows were read and are those that were written. */
  verified(): void {
    this.#verifiedInDispute = this.#disputeLooks > 0;
  }

  /** Looks at the replicas as they are now; called once per announcement. */
  look(own: ReplicaContent, others: readonly ReplicaContent[]): AgreementStep {
    const [judged] = compareReplicas([own, ...others]);
    if (judged === undefined) return { type: 'go-on' };
    if (judged.agreedSequence > this.#agreedSequence) this.#agreedSequence = judged.agreedSequence;
    switch (judged.verdict) {
      case 'alone':
        return { type: 'go-on' };
      case 'agrees':
        this.#disputeLooks = 0;
        this.#rebuildCount = 0;
        return { type: 'go-on' };
      case 'outvoted':
        return { type: 'rebuild', error: this.#diverged(judged.sequence, judged.others, 'most replicas agree on another content; this one is rebuilt'), trustedUpTo: undefined };
      case 'disputed':
        return this.#dispute(judged.sequence, others.filter(({ shard }) => judged.others.includes(shard)));
    }
  }

  #dispute(sequence: Sequence, opponents: readonly ReplicaContent[]): AgreementStep {
    this.#disputeLooks += 1;
    const error = this.#diverged(sequence, opponents.map(({ shard }) => shard), 'there is no majority; all rows are read again, and then one after the other is rebuilt');
    if (!this.#verifiedInDispute || this.#rebuildCount > 0 || !this.#isMyTurn(opponents)) return { type: 'dispute', begins: this.#disputeLooks === 1, error };
    return { type: 'rebuild', error, trustedUpTo: this.#agreedSequence };
  }

  /** The first by name begins; whoever waits for another that does nothing begins in its place. */
  #isMyTurn(opponents: readonly ReplicaContent[]): boolean {
    const before = opponents.filter(({ shard, content }) => content.rebuildCount === 0 && shard < this.#shard);
    return before.length === 0 || this.#disputeLooks > SHARD_LIMITS.disputeLooks;
  }

  #diverged(sequence: Sequence, others: readonly ShardId[], what: string): ShoalError {
    return new ShoalError('replica_diverged', `At sequence ${sequence}, slot ${this.#slot} holds another content here than on ${others.join(', ')}: ${what}.`);
  }
}

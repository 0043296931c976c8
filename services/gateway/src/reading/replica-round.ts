import { ShoalError, type ItemFailure, type Sequence, type Slot } from '@shoal/protocol';
import type { Clock, Timers } from '@shoal/pacing';
import type { ShardLife } from '../cluster/shard-life.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import { isOfReplica, type ItemAnswers } from './item-answers.ts';

/** Where a question can be put. */
export interface Route {
  readonly subject: string;
  /** Of the shard behind it; undefined where nobody knows who will answer. Such a route is taken only after the others failed. */
  readonly life?: ShardLife;
}

/** What every answer tells of its replica. */
interface Applied {
  readonly ok: true;
  readonly appliedSequence: Sequence;
}

export interface RoundOptions<Answer extends Applied> {
  readonly slot: Slot;
  readonly routes: readonly Route[];
  /** Asks for the items of these indexes; for all when undefined. */
  readonly send: (subject: string, indexes: readonly number[] | undefined, timeoutMs: number) => Promise<readonly (Answer | ItemFailure)[]>;
  readonly answers: ItemAnswers<Answer>;
  readonly deadlineMs: number;
  /** Whether a shard that lives answers at once: then one that does not gives rise to doubt. */
  readonly isPrompt: boolean;
  /** After how long without an answer a second replica may be asked. */
  readonly hedgeAfterMs: number;
  /** Whether one more question may be asked twice. */
  readonly mayHedge: () => boolean;
  readonly clock: Clock;
  readonly timers: Timers;
}

/**
 * Puts one question to the replicas of a slot: to the next when one fails, and to another besides when one is slow.
 *
 * Invariants:
 * 1. Each route is taken once at most, and no more of them than are needed for every item to have an answer.
 * 2. It resolves when every item is answered, or nobody is left to be asked and nobody to be waited for. Each route ends at the
 *    deadline, so that is the end of the round too.
 * 3. A second replica is asked while the first may still answer only if the share of such questions allows it, if the shard gives no
 *    sign of life, or if `secondReplicaShare` of the time is over: a replica may still come to what a receipt names, so it goes on to be waited for.
 */
export class ReplicaRound<Answer extends Applied> {
  readonly #options: RoundOptions<Answer>;
  readonly #startedMs: number;
  readonly #ended = Promise.withResolvers<void>();
  #taken = 0;
  #underWay = 0;
  #hasEnded = false;
  #cancelTimer: () => void = () => undefined;

  constructor(options: RoundOptions<Answer>) {
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
  }

  /** How many replicas were asked. */
  get taken(): number {
    return this.#taken;
  }

  /** Rejects with an error that is not the replica's: another one would say the same. */
  run(): Promise<void> {
    this.#proceed();
    return this.#ended.promise;
  }

  /** Asks the next replica unless there is none, or ends the round. */
  #proceed(): void {
    if (this.#hasEnded) return;
    if (this.#options.answers.isComplete) return this.#end();
    if (this.#takeNext()) return;
    if (this.#underWay === 0) this.#end();
  }

  #takeNext(): boolean {
    const { routes, clock, deadlineMs, hedgeAfterMs } = this.#options;
    const route = routes[this.#taken];
    const remainingMs = deadlineMs - clock.nowMs();
    if (route === undefined || (this.#taken > 0 && remainingMs <= GATEWAY_LIMITS.answerMarginMs)) return false;
    this.#taken += 1;
    this.#underWay += 1;
    void this.#take(route, Math.max(1, remainingMs));
    this.#planSecond(route, Math.min(hedgeAfterMs, remainingMs * GATEWAY_LIMITS.secondReplicaShare));
    return true;
  }

  async #take(route: Route, timeoutMs: number): Promise<void> {
    const { answers, clock, isPrompt, send } = this.#options;
    const indexes = answers.open();
    route.life?.sent(clock.nowMs(), isPrompt);
    try {
      const given = await send(route.subject, indexes, timeoutMs);
      route.life?.answered(clock.nowMs());
      this.#learn(route, given);
      answers.take(indexes, given);
    } catch (error) {
      this.#note(route, error);
    }
    this.#underWay -= 1;
    this.#proceed();
  }

  #learn({ life }: Route, given: readonly (Answer | ItemFailure)[]): void {
    if (life === undefined) return;
    const { slot, clock } = this.#options;
    for (const answer of given) if (answer.ok) life.hasApplied(slot, answer.appliedSequence, clock.nowMs());
  }

  #note(route: Route, error: unknown): void {
    if (error instanceof ShoalError && error.code === 'slot_unavailable') route.life?.refused(this.#options.slot);
    else route.life?.unanswered();
    if (error instanceof ShoalError && isOfReplica(error.code)) return this.#options.answers.fail(error);
    this.#ended.reject(error);
    this.#end();
  }

  /** Looks after a while whether another replica should be asked besides. */
  #planSecond(asked: Route, delayMs: number): void {
    this.#cancelTimer();
    const { routes, timers, clock, deadlineMs, mayHedge } = this.#options;
    if (routes[this.#taken]?.life === undefined) return;
    this.#cancelTimer = timers.after(delayMs, () => {
      if (this.#hasEnded) return;
      const nowMs = clock.nowMs();
      const isLate = nowMs - this.#startedMs >= (deadlineMs - this.#startedMs) * GATEWAY_LIMITS.secondReplicaShare;
      if (isLate || asked.life?.isSilent(nowMs) === true || mayHedge()) this.#takeNext();
      else this.#planSecond(asked, GATEWAY_LIMITS.answerOverdueMs);
    });
  }

  #end(): void {
    this.#hasEnded = true;
    this.#cancelTimer();
    this.#ended.resolve();
  }
}

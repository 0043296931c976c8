import type { Requests } from '@shoal/bus';
import {
  SUBJECTS, ShoalError, decodeQueryResponse, encodeQueryRequest,
  type ItemFailure, type QueryRequest, type QueryResponse, type Sequence, type Slot,
} from '@shoal/protocol';
import type { TracedSpan, Tracing } from '@shoal/telemetry';
import { pause, type Clock, type Timers } from '@shoal/pacing';
import { inOrder, type Replicas } from '../cluster/replica.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import { AnswerTimes } from './answer-times.ts';
import { HedgeBudget } from './hedge-budget.ts';
import { ItemAnswers } from './item-answers.ts';
import { ReplicaRound } from './replica-round.ts';

export type QueryType = QueryRequest['type'];
export type QueryItem<T extends QueryType> = Extract<QueryRequest, { type: T }>['items'][number];
export type QueryResult<T extends QueryType> = Extract<QueryResponse, { type: T }>['items'][number];
type Answer<T extends QueryType> = Exclude<QueryResult<T>, ItemFailure>;

export interface SlotQueriesDependencies {
  readonly requests: Requests;
  readonly replicas: Replicas;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Nothing is traced without it. */
  readonly tracing?: Tracing;
}

/** How often replicas had to stand in for each other, since the start. */
export interface QueryCounts {
  questions: number;
  /** Questions that a further replica was asked, because the one before was slow or failed. */
  askedAgain: number;
  /** Of them, those that were asked twice at one time within the share that may be. */
  hedged: number;
}

/** How questions are told apart by how long their answers take: those that wait or scan have their own measure. */
type Pace = 'prompt' | 'patient';

/** Puts questions to the replicas of slots: to one at first, and to others when it fails or is slow (docs/adr/0014). */
export class SlotQueries {
  readonly counts: QueryCounts = { questions: 0, askedAgain: 0, hedged: 0 };
  readonly #dependencies: SlotQueriesDependencies;
  readonly #budget = new HedgeBudget();
  readonly #times: Record<Pace, Map<QueryType, AnswerTimes>> = { prompt: new Map(), patient: new Map() };
  #turn = 0;

  constructor(dependencies: SlotQueriesDependencies) {
    this.#dependencies = dependencies;
  }

  /** One result per item, in the order of the items. `spans` are of the requests that are traced. Rejects with the error of the transport when no replica answered anything. */
  async ask<T extends QueryType>(slot: Slot, type: T, items: readonly QueryItem<T>[], timeoutMs: number, spans: readonly TracedSpan[] = []): Promise<readonly QueryResult<T>[]> {
    const { clock, timers } = this.#dependencies;
    const startedMs = clock.nowMs();
    const answers = new ItemAnswers<Answer<T>>(items.length);
    this.counts.questions += 1;
    this.#budget.earn();
    let pauseMs: number = GATEWAY_LIMITS.slotRetryDelayMs;
    let giveUpMs: number | undefined;
    for (let round = 0; ; round += 1) {
      await this.#round(slot, type, items, answers, startedMs + timeoutMs, spans);
      if (answers.isComplete || !answers.isUnreached) break;
      const nowMs = clock.nowMs();
      giveUpMs ??= nowMs + GATEWAY_LIMITS.slotReturnMs;
      const isWorthWaiting = round === 0 || (this.#dependencies.replicas.isServed(slot) && nowMs < giveUpMs);
      if (!isWorthWaiting || nowMs - startedMs + pauseMs >= timeoutMs) break;
      await pause(timers, pauseMs);
      pauseMs = Math.min(pauseMs * 2, GATEWAY_LIMITS.slotRetryDelayMaxMs);
    }
    return answers.all() as readonly QueryResult<T>[];
  }

  /** Asks one item. `itemOf` gets the milliseconds that the shard may take; `span` is of the request. Throws its failure. */
  async askOne<T extends QueryType>(slot: Slot, type: T, itemOf: (timeoutMs: number) => QueryItem<T>, deadlineMs: number, span?: TracedSpan): Promise<Exclude<QueryResult<T>, { ok: false }>> {
    const remainingMs = deadlineMs - this.#dependencies.clock.nowMs();
    if (remainingMs <= 0) throw new ShoalError('deadline_exceeded', `Slot ${slot} was not asked before the deadline.`);
    const [result] = await this.ask(slot, type, [itemOf(shardTimeoutMs(remainingMs))], remainingMs, span === undefined ? [] : [span]);
    if (result !== undefined && result.ok) return result as Exclude<QueryResult<T>, { ok: false }>;
    throw new ShoalError(result?.error ?? 'internal', result?.message ?? 'The shard did not answer the question.');
  }

  async #round<T extends QueryType>(slot: Slot, type: T, items: readonly QueryItem<T>[], answers: ItemAnswers<Answer<T>>, deadlineMs: number, spans: readonly TracedSpan[]): Promise<void> {
    const { replicas, clock, timers } = this.#dependencies;
    const pace = paceOf(type, items, replicas.appliedFloor(slot));
    const times = this.#timesOf(type, pace);
    const startedMs = clock.nowMs();
    const round = new ReplicaRound<Answer<T>>({
      slot, answers, deadlineMs, clock, timers,
      routes: [...inOrder(replicas.replicasOf(slot), slot, startedMs, { wanted: wantedBy(items as readonly Wanted[]), turn: (this.#turn += 1) }), { subject: SUBJECTS.query(slot) }],
      isPrompt: pace === 'prompt',
      hedgeAfterMs: hedgeAfterMs(times.valueMs),
      mayHedge: this.#mayHedge,
      send: (subject, indexes, timeoutMs) => this.#send(subject, type, indexes === undefined ? items : indexes.flatMap((index) => items[index] ?? []), timeoutMs, this.#spanOf(slot, type, items, spans)),
    });
    await round.run();
    if (round.taken > 1) this.counts.askedAgain += 1;
    if (answers.isComplete) times.note(clock.nowMs() - startedMs);
  }

  async #send<T extends QueryType>(subject: string, type: T, items: readonly QueryItem<T>[], timeoutMs: number, span: TracedSpan | undefined): Promise<readonly (Answer<T> | ItemFailure)[]> {
    const withinMs = shardTimeoutMs(timeoutMs);
    const asked = items.every((item) => item.timeoutMs <= withinMs) ? items : items.map((item) => ({ ...item, timeoutMs: Math.min(item.timeoutMs, withinMs) }));
    const bytes = await this.#request(subject, encodeQueryRequest({ type, items: asked } as unknown as QueryRequest), timeoutMs, span);
    const response = decodeQueryResponse(bytes);
    if (response.type !== type || response.items.length !== asked.length) {
      throw new ShoalError('internal', `${subject} answered another question than it was asked.`);
    }
    return response.items as readonly (Answer<T> | ItemFailure)[];
  }

  /** Each message to a replica is a span of its own. */
  #spanOf(slot: Slot, type: QueryType, items: readonly unknown[], [first, ...others]: readonly TracedSpan[]): TracedSpan | undefined {
    if (first === undefined) return undefined;
    return this.#dependencies.tracing?.message(`slot ${type}`, [first, ...others], { 'shoal.slot': slot, 'shoal.query.items': items.length });
  }

  async #request(subject: string, payload: Uint8Array, timeoutMs: number, span: TracedSpan | undefined): Promise<Uint8Array> {
    const { requests } = this.#dependencies;
    if (span === undefined) return requests.request(subject, payload, { timeoutMs });
    try {
      const answer = await requests.request(subject, payload, { timeoutMs, traceParent: span.parent });
      span.end();
      return answer;
    } catch (error) {
      span.end({}, error instanceof ShoalError ? error.code : 'internal');
      throw error;
    }
  }

  readonly #mayHedge = (): boolean => {
    const may = this.#budget.take();
    if (may) this.counts.hedged += 1;
    return may;
  };

  #timesOf(type: QueryType, pace: Pace): AnswerTimes {
    const byType = this.#times[pace];
    const known = byType.get(type);
    if (known !== undefined) return known;
    const times = new AnswerTimes(GATEWAY_LIMITS.hedgePercentile);
    byType.set(type, times);
    return times;
  }
}

/** What an item's answer must include, under either name. */
interface Wanted {
  readonly after?: Sequence;
  readonly sequence?: Sequence;
}

/** The sequence that the answer to every item includes. */
function wantedBy(items: readonly Wanted[]): Sequence {
  let wanted = 0 as Sequence;
  for (const { after, sequence } of items) {
    const one = after ?? sequence ?? wanted;
    if (one > wanted) wanted = one;
  }
  return wanted;
}

/** Whether a shard answers at once: it neither waits for a write or a field nor looks through everything. */
function paceOf<T extends QueryType>(type: T, items: readonly QueryItem<T>[], applied: Sequence): Pace {
  switch (type as QueryType) {
    case 'search':
      return (items as readonly QueryItem<'search'>[]).every(({ path, filter, after }) => path !== 'flat' && filter === undefined && after <= applied) ? 'prompt' : 'patient';
    case 'fetch':
      return (items as readonly QueryItem<'fetch'>[]).every(({ after }) => after <= applied) ? 'prompt' : 'patient';
    case 'partition-stats':
      return 'prompt';
    case 'await-applied':
    case 'count':
    case 'scroll':
      return 'patient';
  }
}

function hedgeAfterMs(usualMs: number | undefined): number {
  if (usualMs === undefined) return GATEWAY_LIMITS.hedgeUnknownMs;
  return Math.min(Math.max(usualMs, GATEWAY_LIMITS.hedgeMinimumMs), GATEWAY_LIMITS.hedgeMaximumMs);
}

/** What a shard may take of the time that is left: its own "not in time" shall arrive before the caller gives up. */
export function shardTimeoutMs(remainingMs: number): number {
  return Math.max(1, Math.floor(Math.max(remainingMs - GATEWAY_LIMITS.answerMarginMs, remainingMs / 2)));
}

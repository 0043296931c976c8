import { LIMITS, ShoalError, type ItemFailure, type SearchAnswer, type SearchItem, type Slot, type TenantId } from '@shoal/protocol';
import { FairQueue, type Clock, type Timers } from '@shoal/pacing';
import type { TracedSpan } from '@shoal/telemetry';
import { failureOf } from '../failure.ts';
import { GATEWAY_LIMITS, type LaneLimits } from '../limits.ts';
import { CompanyWait } from './company-wait.ts';
import { shardTimeoutMs, type SlotQueries } from './slot-queries.ts';

export type SearchWork = Omit<SearchItem, 'timeoutMs'>;
export type SearchResult = SearchAnswer | ItemFailure;

/** For whom a search is. */
export interface SearchCaller {
  readonly tenant: TenantId;
  /** Whether nobody waits for the answer any more; a search that has not left by then is not sent. */
  readonly isGone?: () => boolean;
  /** Of the request, where it is traced. */
  readonly span?: TracedSpan;
}

interface PendingSearch {
  readonly work: SearchWork;
  readonly deadlineMs: number;
  readonly isGone: (() => boolean) | undefined;
  readonly span: TracedSpan | undefined;
  readonly settle: (result: SearchResult) => void;
  readonly cancelTimer: () => void;
  settled: boolean;
}

/** Bytes of a search item besides its vector, and of a hit besides its values, rounded up. */
const ITEM_BYTES = 64;
const HIT_BYTES = 64;
/** A guess: a message whose answer turns out too large is sent again in halves. */
const PAYLOAD_BYTES = 1024;

function answerBytesOf({ k, vector, includeValues, includePayload }: SearchWork): number {
  return k * (HIT_BYTES + (includeValues ? vector.byteLength : 0) + (includePayload ? PAYLOAD_BYTES : 0));
}

const failure = (error: ItemFailure['error'], message: string): ItemFailure => ({ ok: false, error, message });

const GONE = failure('deadline_exceeded', 'Nobody waits for the answer any more.');

/**
 * The way of searches to one slot. A search leaves at once when nothing is under way. Others gather, and leave together at the end of the turn of the event loop
 * in which they are worth a message by the lane's limits, as far as those let messages leave, or else when one comes back. Tenants take turns.
 *
 * Invariants:
 * 1. Every search is settled exactly once, at its own deadline at the latest.
 * 2. At most `fullMessages` messages are under way, besides GATEWAY_LIMITS.overdueMessages that have been so for long, and
 *    GATEWAY_LIMITS.queuedSearchesPerSlot searches wait; when there are more, the last one of whoever has most is turned away.
 * 3. A search that was settled before its turn, or whose caller went away, is not sent.
 * 4. Searches for which there is a message wait for company for `companyWaitMs` at most.
 * 5. A message whose shard died or stands still does not keep later searches from another shard of the slot until its deadline.
 */
export class SearchLane {
  readonly #slot: Slot;
  readonly #queries: SlotQueries;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #limits: LaneLimits;
  readonly #waiting = new FairQueue<PendingSearch>({ quantum: 1, costMaximum: 1 });
  /** Taken from its queue for a message that had no room for it; goes with the next one. */
  #leftOver: PendingSearch | undefined;
  #messagesInFlight = 0;
  /** Searches in those messages. */
  #searchesInFlight = 0;
  /** Messages that no longer count as in flight, because their answers are overdue. */
  #overdueMessages = 0;
  #pumpPlanned = false;
  #pumpPlannedAfterTurn = false;
  readonly #company: CompanyWait;

  constructor(slot: Slot, queries: SlotQueries, clock: Clock, timers: Timers, limits: LaneLimits) {
    this.#slot = slot;
    this.#queries = queries;
    this.#clock = clock;
    this.#timers = timers;
    this.#limits = limits;
    this.#company = new CompanyWait(limits, timers, () => this.#pump());
  }

  search(work: SearchWork, deadlineMs: number, { tenant, isGone, span }: SearchCaller): Promise<SearchResult> {
    return new Promise((resolve) => {
      const remainingMs = deadlineMs - this.#clock.nowMs();
      if (remainingMs <= 0) return resolve(this.#tooLate());
      const pending: PendingSearch = {
        work,
        deadlineMs,
        isGone,
        span,
        settled: false,
        settle: (result) => {
          if (pending.settled) return;
          pending.settled = true;
          pending.cancelTimer();
          resolve(result);
        },
        cancelTimer: this.#timers.after(remainingMs, () => pending.settle(this.#tooLate())),
      };
      this.#waiting.push(tenant, pending);
      if (this.#waiting.size > GATEWAY_LIMITS.queuedSearchesPerSlot) this.#turnAway();
      this.#company.hurry(remainingMs);
      this.#planPump();
    });
  }

  get waiting(): number {
    return this.#waiting.size + (this.#leftOver === undefined ? 0 : 1);
  }

  #turnAway(): void {
    this.#waiting.prune(({ settled }) => settled);
    if (this.#waiting.size <= GATEWAY_LIMITS.queuedSearchesPerSlot) return;
    const longest = this.#waiting.longest();
    if (longest === undefined) return;
    this.#waiting.dropNewest(longest)?.settle(failure('overloaded', `${this.#waiting.size} searches wait for slot ${this.#slot}.`));
  }

  #tooLate(): ItemFailure {
    return failure('deadline_exceeded', `Slot ${this.#slot} did not answer before the deadline.`);
  }

  /** What one step of the event loop asks leaves together; and what one turn of it does, but for whom there is nothing to wait. */
  #planPump(): void {
    if (this.#searchesInFlight === 0 || this.waiting >= this.#limits.companySearches) {
      if (this.#pumpPlanned) return;
      this.#pumpPlanned = true;
      queueMicrotask(() => {
        this.#pumpPlanned = false;
        this.#pump();
      });
    } else if (!this.#pumpPlannedAfterTurn) {
      this.#pumpPlannedAfterTurn = true;
      setImmediate(() => {
        this.#pumpPlannedAfterTurn = false;
        this.#pump();
      });
    }
  }

  #pump(): void {
    const { eagerMessages, fullMessages } = this.#limits;
    for (;;) {
      const count = this.waiting;
      if (count === 0) return this.#company.reset();
      const hasFullMessage = count >= LIMITS.searchesPerMessage;
      if (this.#messagesInFlight >= (hasFullMessage ? fullMessages : eagerMessages)) return;
      // What a message had no room for needs no company.
      if (this.#leftOver === undefined && !this.#company.mayLeave(count, this.#searchesInFlight)) return;
      this.#company.reset();
      const batch = this.#takeBatch();
      if (batch.length > 0) void this.#send(batch);
    }
  }

  #takeBatch(): PendingSearch[] {
    const batch: PendingSearch[] = [];
    let messageBytes = 0;
    let answerBytes = 0;
    while (batch.length < LIMITS.searchesPerMessage) {
      const pending = this.#leftOver ?? this.#waiting.take();
      this.#leftOver = undefined;
      if (pending === undefined) break;
      if (pending.isGone?.() === true) pending.settle(GONE);
      if (pending.settled) continue;
      messageBytes += pending.work.vector.byteLength + (pending.work.filter?.byteLength ?? 0) + ITEM_BYTES;
      answerBytes += answerBytesOf(pending.work);
      if (batch.length > 0 && (messageBytes > GATEWAY_LIMITS.queryMessageBytes || answerBytes > GATEWAY_LIMITS.queryAnswerBytes)) {
        this.#leftOver = pending;
        break;
      }
      batch.push(pending);
    }
    return batch;
  }

  async #send(batch: readonly PendingSearch[]): Promise<void> {
    this.#messagesInFlight += 1;
    this.#searchesInFlight += batch.length;
    const comesBack = (): void => {
      this.#messagesInFlight -= 1;
      this.#searchesInFlight -= batch.length;
    };
    let overdue = false;
    const cancelTimer = this.#timers.after(GATEWAY_LIMITS.overdueMs, () => {
      if (this.#overdueMessages >= GATEWAY_LIMITS.overdueMessages) return;
      overdue = true;
      this.#overdueMessages += 1;
      comesBack();
      this.#pump();
    });
    await this.#ask(batch);
    cancelTimer();
    if (overdue) this.#overdueMessages -= 1;
    else comesBack();
    this.#pump();
  }

  /** Settles every search of the batch. An answer that is too large to carry is asked for again in halves. */
  async #ask(batch: readonly PendingSearch[]): Promise<void> {
    try {
      const nowMs = this.#clock.nowMs();
      const items = batch.map(({ work, deadlineMs }) => ({ ...work, timeoutMs: shardTimeoutMs(Math.max(1, deadlineMs - nowMs)) }));
      const longestMs = batch.reduce((most, { deadlineMs }) => Math.max(most, deadlineMs - nowMs), 1);
      const results = await this.#queries.ask(this.#slot, 'search', items, longestMs, batch.flatMap(({ span }) => span ?? []));
      results.forEach((result, index) => batch[index]?.settle(result));
    } catch (error) {
      if (error instanceof ShoalError && error.code === 'body_too_large') return this.#askForLess(batch);
      const failed = failureOf(error);
      for (const pending of batch) pending.settle(failed);
    }
  }

  async #askForLess(batch: readonly PendingSearch[]): Promise<void> {
    if (batch.length === 1) {
      batch[0]?.settle(failure('invalid_field', 'The answer is too large to carry; ask for fewer neighbours, or without values and payloads.'));
      return;
    }
    const middle = batch.length >> 1;
    await this.#ask(batch.slice(0, middle));
    await this.#ask(batch.slice(middle));
  }
}

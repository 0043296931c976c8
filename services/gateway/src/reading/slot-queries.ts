import type { Requests } from '@shoal/bus';
import {
  SUBJECTS, ShoalError, decodeQueryResponse, encodeQueryRequest,
  type QueryRequest, type QueryResponse, type Slot,
} from '@shoal/protocol';
import { pause, type Clock, type Timers } from '@shoal/pacing';
import { GATEWAY_LIMITS } from '../limits.ts';

export type QueryType = QueryRequest['type'];
export type QueryItem<T extends QueryType> = Extract<QueryRequest, { type: T }>['items'][number];
export type QueryResult<T extends QueryType> = Extract<QueryResponse, { type: T }>['items'][number];

/** One question to whichever ready shard serves a slot. */
export class SlotQueries {
  readonly #requests: Requests;
  readonly #clock: Clock;
  readonly #timers: Timers;

  constructor(requests: Requests, clock: Clock, timers: Timers) {
    this.#requests = requests;
    this.#clock = clock;
    this.#timers = timers;
  }

  /** One result per item, in the order of the items. Rejects with the error of the transport. */
  async ask<T extends QueryType>(slot: Slot, type: T, items: readonly QueryItem<T>[], timeoutMs: number): Promise<readonly QueryResult<T>[]> {
    const request = { type, items } as unknown as QueryRequest;
    const bytes = await this.#requests.request(SUBJECTS.query(slot), encodeQueryRequest(request), { timeoutMs });
    const response = decodeQueryResponse(bytes);
    if (response.type !== type || response.items.length !== items.length) {
      throw new ShoalError('internal', `The shard of slot ${slot} answered another question than it was asked.`);
    }
    return response.items as readonly QueryResult<T>[];
  }

  /**
   * Asks one item, and once more after a pause when no shard served the slot and time remains.
   * `itemOf` gets the milliseconds that the shard may take.
   */
  async askOne<T extends QueryType>(slot: Slot, type: T, itemOf: (timeoutMs: number) => QueryItem<T>, deadlineMs: number): Promise<Exclude<QueryResult<T>, { ok: false }>> {
    for (let retry = 0; ; retry += 1) {
      const remainingMs = deadlineMs - this.#clock.nowMs();
      if (remainingMs <= 0) throw new ShoalError('deadline_exceeded', `Slot ${slot} was not asked before the deadline.`);
      try {
        const [result] = await this.ask(slot, type, [itemOf(shardTimeoutMs(remainingMs))], remainingMs);
        if (result !== undefined && result.ok) return result as Exclude<QueryResult<T>, { ok: false }>;
        throw new ShoalError(result?.error ?? 'internal', result?.message ?? 'The shard did not answer the question.');
      } catch (error) {
        if (!isUnserved(error) || retry >= GATEWAY_LIMITS.slotRetries) throw error;
        if (remainingMs <= GATEWAY_LIMITS.slotRetryDelayMs) throw error;
        await pause(this.#timers, GATEWAY_LIMITS.slotRetryDelayMs);
      }
    }
  }
}

const isUnserved = (error: unknown): boolean => error instanceof ShoalError && error.code === 'slot_unavailable';

/** What a shard may take of the time that is left: its own "not in time" shall arrive before the caller gives up. */
export function shardTimeoutMs(remainingMs: number): number {
  return Math.max(1, Math.floor(Math.max(remainingMs - GATEWAY_LIMITS.answerMarginMs, remainingMs / 2)));
}

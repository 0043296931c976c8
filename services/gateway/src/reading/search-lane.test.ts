import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  DEFAULT_TENANT, LIMITS, ShoalError, decodeQueryRequest, encodeQueryResponse, parseEmbeddingCode, parsePartition, parseSequence, parseSlot, parseTenantId,
  type ItemFailure, type SearchAnswer, type SearchItem,
} from '@shoal/protocol';
import { systemTimers } from '@shoal/pacing';
import type { Replicas } from '../cluster/replica.ts';
import { GATEWAY_LIMITS, type LaneLimits } from '../limits.ts';
import { MemoryRequests } from '../testing/memory-requests.ts';
import { SearchLane, type SearchCaller, type SearchWork } from './search-lane.ts';
import { SlotQueries } from './slot-queries.ts';

const SLOT = parseSlot(3);

function workOf(id: number, over: Partial<SearchWork> = {}): SearchWork {
  return {
    code: parseEmbeddingCode(1), partition: parsePartition(0), vector: Float32Array.of(id, 1), k: 10, ef: 100, path: 'auto', rerank: 10,
    after: parseSequence(0), includeValues: false, includePayload: false, ...over,
  };
}

interface Message {
  readonly items: readonly SearchItem[];
  answer(): void;
  fail(error: ShoalError): void;
}

/** A shard whose messages the test answers by hand; `distanceComputations` of an answer names the search it belongs to. */
class HandShard {
  readonly requests = new MemoryRequests();
  readonly messages: Message[] = [];

  async start(): Promise<void> {
    await this.requests.serve('shoal.q.3', (payload) => new Promise((resolve, reject) => {
      const request = decodeQueryRequest(payload);
      if (request.type !== 'search') throw new Error('only searches are sent here');
      const answers = request.items.map((item): SearchAnswer => ({
        ok: true, appliedSequence: parseSequence(0), path: 'flat', distanceComputations: item.vector[0] ?? 0, hits: [],
      }));
      this.messages.push({ items: request.items, answer: () => resolve(encodeQueryResponse({ type: 'search', items: answers })), fail: reject });
    }));
  }
}

/** Nothing was announced. */
const NO_REPLICAS: Replicas = { replicasOf: () => [], isServed: () => false, appliedFloor: () => parseSequence(0) };

let shard: HandShard;
const clock = { nowMs: () => Date.now() };
const ALONE = { companySearches: 1, companyShare: 0, companyWaitMs: 0 };
const laneOf = (eagerMessages: number, fullMessages: number, company: Omit<LaneLimits, 'eagerMessages' | 'fullMessages'> = ALONE) =>
  new SearchLane(SLOT, new SlotQueries({ requests: shard.requests, replicas: NO_REPLICAS, clock, timers: systemTimers }), clock, systemTimers, { eagerMessages, fullMessages, ...company });
const settle = (): Promise<void> => vi.advanceTimersByTimeAsync(0).then(() => undefined);
const sizes = (): number[] => shard.messages.map(({ items }) => items.length);
const IN_TIME = 10_000;
const CALLER: SearchCaller = { tenant: DEFAULT_TENANT };
const OTHER: SearchCaller = { tenant: parseTenantId('other') };

beforeEach(async () => {
  vi.useFakeTimers();
  shard = new HandShard();
  await shard.start();
});
afterEach(() => vi.useRealTimers());

describe('a search lane', () => {
  it('sends at once when nothing is under way, and gathers while something is', async () => {
    const lane = laneOf(1, 1);
    const deadlineMs = clock.nowMs() + IN_TIME;
    const first = lane.search(workOf(0), deadlineMs, CALLER);
    await settle();
    const later = [1, 2, 3, 4, 5].map((id) => lane.search(workOf(id), deadlineMs, CALLER));
    await settle();
    expect(sizes()).toEqual([1]);
    shard.messages[0]?.answer();
    await settle();
    expect(sizes()).toEqual([1, 5]);
    shard.messages[1]?.answer();
    expect((await Promise.all([first, ...later])).map((result) => result.ok && result.distanceComputations)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('sends full messages while others are under way, up to its bound', async () => {
    const lane = laneOf(1, 3);
    const count = LIMITS.searchesPerMessage * 4 + 7;
    const results = Array.from({ length: count }, (_, id) => lane.search(workOf(id), clock.nowMs() + IN_TIME, CALLER));
    await settle();
    expect(sizes()).toEqual([64, 64, 64]);
    for (let next = 0; next < shard.messages.length; next += 1) {
      shard.messages[next]?.answer();
      await settle();
    }
    expect(sizes()).toEqual([64, 64, 64, 64, 7]);
    expect((await Promise.all(results)).every((result, id) => result.ok && result.distanceComputations === id)).toBe(true);
  });

  it('lets few searches wait for company while many are under way, but not for long', async () => {
    const lane = laneOf(4, 4, { companySearches: 4, companyShare: 0.5, companyWaitMs: 5 });
    const ask = (count: number): void => {
      for (let id = 0; id < count; id += 1) void lane.search(workOf(id), clock.nowMs() + IN_TIME, CALLER);
    };
    ask(2);
    await settle();
    ask(1);
    await settle();
    expect(sizes()).toEqual([2, 1]);
    ask(1);
    await vi.advanceTimersByTimeAsync(4);
    expect(sizes()).toEqual([2, 1]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sizes()).toEqual([2, 1, 1]);
    ask(1);
    await vi.advanceTimersByTimeAsync(4);
    ask(3);
    await settle();
    expect(sizes()).toEqual([2, 1, 1, 4]);
    ask(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(sizes()).toEqual([2, 1, 1, 4]);
    shard.messages[0]?.answer();
    await vi.advanceTimersByTimeAsync(5);
    expect(sizes()).toEqual([2, 1, 1, 4, 1]);
  });

  it('lets nobody wait for company who has little time left, nor what a message had no room for', async () => {
    const lane = laneOf(4, 4, { companySearches: 16, companyShare: 0.5, companyWaitMs: 5 });
    for (let id = 0; id < 8; id += 1) void lane.search(workOf(id), clock.nowMs() + IN_TIME, CALLER);
    await settle();
    void lane.search(workOf(8), clock.nowMs() + 10, CALLER);
    await settle();
    expect(sizes()).toEqual([8, 1]);
    // Answers so large that a message asks for no more than one of them.
    const large = { k: LIMITS.k, includeValues: true, vector: new Float32Array(1_536) };
    for (let id = 0; id < 2; id += 1) void lane.search(workOf(id, large), clock.nowMs() + IN_TIME, CALLER);
    await vi.advanceTimersByTimeAsync(4);
    expect(sizes()).toEqual([8, 1]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sizes()).toEqual([8, 1, 1, 1]);
  });

  it('sends together what comes in one turn of the event loop while something is under way', async () => {
    vi.useRealTimers();
    const lane = laneOf(4, 4, { companySearches: 8, companyShare: 0.5, companyWaitMs: 1_000 });
    const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
    void lane.search(workOf(0), clock.nowMs() + IN_TIME, CALLER);
    await turn();
    for (let id = 1; id <= 3; id += 1) {
      void lane.search(workOf(id), clock.nowMs() + IN_TIME, CALLER);
      for (let step = 0; step < 20; step += 1) await Promise.resolve();
    }
    expect(sizes()).toEqual([1]);
    await turn();
    await turn();
    expect(sizes()).toEqual([1, 3]);
    for (const message of shard.messages) message.answer();
    await turn();
  });

  it('keeps messages below the size that the bus carries', async () => {
    const lane = laneOf(1, 8);
    for (let id = 0; id < 64; id += 1) void lane.search(workOf(id, { vector: new Float32Array(LIMITS.dim) }), clock.nowMs() + IN_TIME, CALLER);
    await settle();
    shard.messages[0]?.answer();
    await settle();
    for (const { items } of shard.messages) expect(items.length * LIMITS.dim * 4).toBeLessThanOrEqual(GATEWAY_LIMITS.queryMessageBytes);
    expect(shard.messages.length).toBeGreaterThan(1);
  });

  it('fails a search at its own deadline, and does not send it afterwards', async () => {
    const lane = laneOf(1, 1);
    void lane.search(workOf(0), clock.nowMs() + IN_TIME, CALLER);
    await settle();
    const brief = lane.search(workOf(1), clock.nowMs() + 50, CALLER);
    const patient = lane.search(workOf(2), clock.nowMs() + IN_TIME, CALLER);
    await vi.advanceTimersByTimeAsync(50);
    expect(await brief).toMatchObject({ ok: false, error: 'deadline_exceeded' });
    shard.messages[0]?.answer();
    await settle();
    expect(shard.messages[1]?.items.map(({ vector }) => vector[0])).toEqual([2]);
    shard.messages[1]?.answer();
    expect(await patient).toMatchObject({ ok: true });
  });

  it('tells the shard the time that is left when the message leaves, less a margin', async () => {
    const lane = laneOf(1, 1);
    void lane.search(workOf(0), clock.nowMs() + 1_000, CALLER);
    await settle();
    void lane.search(workOf(1), clock.nowMs() + 1_000, CALLER);
    await vi.advanceTimersByTimeAsync(400);
    shard.messages[0]?.answer();
    await settle();
    expect(shard.messages[1]?.items[0]?.timeoutMs).toBe(600 - GATEWAY_LIMITS.answerMarginMs);
  });

  it('lets tenants take turns, whatever one of them asks for', async () => {
    const lane = laneOf(1, 1);
    void lane.search(workOf(0), clock.nowMs() + IN_TIME, CALLER);
    await settle();
    for (let id = 0; id < 500; id += 1) void lane.search(workOf(1_000), clock.nowMs() + IN_TIME, CALLER);
    for (let id = 0; id < 20; id += 1) void lane.search(workOf(2_000), clock.nowMs() + IN_TIME, OTHER);
    shard.messages[0]?.answer();
    await settle();
    expect(shard.messages[1]?.items.filter(({ vector }) => vector[0] === 2_000).length).toBe(20);
  });

  it('turns away who has most waiting when too many wait, not who comes last', async () => {
    const lane = laneOf(1, 1);
    void lane.search(workOf(0), clock.nowMs() + IN_TIME, CALLER);
    await settle();
    const noisy = Array.from({ length: GATEWAY_LIMITS.queuedSearchesPerSlot }, (_, id) => lane.search(workOf(id), clock.nowMs() + IN_TIME, CALLER));
    const quiet = lane.search(workOf(7), clock.nowMs() + IN_TIME, OTHER);
    expect(await noisy.at(-1)).toMatchObject({ error: 'overloaded' });
    for (let next = 0; next < 2; next += 1) {
      shard.messages[next]?.answer();
      await settle();
    }
    expect(await quiet).toMatchObject({ ok: true });
  });

  it('does not send a search whose caller is gone', async () => {
    const lane = laneOf(1, 1);
    void lane.search(workOf(0), clock.nowMs() + IN_TIME, CALLER);
    await settle();
    let isGone = false;
    const given = lane.search(workOf(1), clock.nowMs() + IN_TIME, { ...CALLER, isGone: () => isGone });
    void lane.search(workOf(2), clock.nowMs() + IN_TIME, CALLER);
    isGone = true;
    shard.messages[0]?.answer();
    await settle();
    expect(await given).toMatchObject({ ok: false });
    expect(shard.messages[1]?.items.map(({ vector }) => vector[0])).toEqual([2]);
  });

  it('refuses a search without time left, and one too many', async () => {
    const lane = laneOf(1, 1);
    expect(await lane.search(workOf(0), clock.nowMs(), CALLER)).toMatchObject({ error: 'deadline_exceeded' });
    void lane.search(workOf(0), clock.nowMs() + IN_TIME, CALLER);
    await settle();
    const waiting = Array.from({ length: GATEWAY_LIMITS.queuedSearchesPerSlot }, (_, id) => lane.search(workOf(id), clock.nowMs() + IN_TIME, CALLER));
    expect(await lane.search(workOf(1), clock.nowMs() + IN_TIME, CALLER)).toMatchObject({ error: 'overloaded' });
    await vi.advanceTimersByTimeAsync(IN_TIME);
    expect((await Promise.all(waiting)).every((result) => !result.ok && result.error === 'deadline_exceeded')).toBe(true);
  });

  it('does not count searches whose deadline passed as waiting', async () => {
    const lane = laneOf(1, 1);
    void lane.search(workOf(0), clock.nowMs() + IN_TIME, CALLER);
    await settle();
    for (let id = 0; id < GATEWAY_LIMITS.queuedSearchesPerSlot; id += 1) void lane.search(workOf(id), clock.nowMs() + 50, CALLER);
    await vi.advanceTimersByTimeAsync(50);
    const next = lane.search(workOf(7), clock.nowMs() + IN_TIME, CALLER);
    await settle();
    shard.messages[0]?.answer();
    await settle();
    shard.messages[1]?.answer();
    expect(await next).toMatchObject({ ok: true, distanceComputations: 7 });
  });

  it('gives the failure of a message to all of its searches, and goes on', async () => {
    const lane = laneOf(1, 1);
    const lost = [lane.search(workOf(0), clock.nowMs() + IN_TIME, CALLER), lane.search(workOf(1), clock.nowMs() + IN_TIME, CALLER)];
    await settle();
    shard.messages[0]?.fail(new ShoalError('overloaded', 'too much'));
    const expected: ItemFailure = { ok: false, error: 'overloaded', message: 'too much' };
    expect(await Promise.all(lost)).toEqual([expected, expected]);
    const next = lane.search(workOf(2), clock.nowMs() + IN_TIME, CALLER);
    await settle();
    shard.messages[1]?.answer();
    expect(await next).toMatchObject({ ok: true, distanceComputations: 2 });
  });

  it('sends what waits behind a message that stays unanswered, for its shard may have died, up to a bound', async () => {
    const lane = laneOf(1, 1);
    void lane.search(workOf(0), clock.nowMs() + LIMITS.timeoutMs, CALLER);
    await settle();
    const next = lane.search(workOf(1), clock.nowMs() + IN_TIME, CALLER);
    await vi.advanceTimersByTimeAsync(GATEWAY_LIMITS.overdueMs);
    expect(sizes()).toEqual([1, 1]);
    shard.messages[1]?.answer();
    expect(await next).toMatchObject({ ok: true, distanceComputations: 1 });
    for (let id = 2; id < GATEWAY_LIMITS.overdueMessages + 10; id += 1) {
      void lane.search(workOf(id), clock.nowMs() + LIMITS.timeoutMs, CALLER);
      await vi.advanceTimersByTimeAsync(GATEWAY_LIMITS.overdueMs);
    }
    // The second was answered; one that is not overdue may be under way besides.
    expect(shard.messages.length).toBe(GATEWAY_LIMITS.overdueMessages + 2);
    for (const { answer } of shard.messages) answer();
    await settle();
    const late = lane.search(workOf(99), clock.nowMs() + IN_TIME, CALLER);
    await settle();
    shard.messages.at(-1)?.answer();
    await settle();
    shard.messages.at(-1)?.answer();
    expect(await late).toMatchObject({ ok: true, distanceComputations: 99 });
  });

  it('asks again in halves when an answer is too large to carry, and gives up on a single one', async () => {
    const lane = laneOf(1, 1);
    const results = [0, 1, 2].map((id) => lane.search(workOf(id), clock.nowMs() + IN_TIME, CALLER));
    await settle();
    const tooLarge = new ShoalError('body_too_large', 'too large');
    shard.messages[0]?.fail(tooLarge);
    await settle();
    shard.messages[1]?.fail(tooLarge);
    await settle();
    shard.messages[2]?.answer();
    await settle();
    expect(sizes()).toEqual([3, 1, 2]);
    expect(await Promise.all(results)).toMatchObject([{ error: 'invalid_field' }, { ok: true, distanceComputations: 1 }, { ok: true, distanceComputations: 2 }]);
  });
});

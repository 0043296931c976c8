import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  SUBJECTS, ShoalError, decodeQueryRequest, encodeQueryResponse, encodeShardStatus, parseEmbeddingCode, parsePartition, parseSequence, parseShardId, parseSlot,
  type FetchAnswer, type FetchItem, type ItemFailure, type VectorKey,
} from '@shoal/protocol';
import { systemTimers } from '@shoal/pacing';
import * as fc from 'fast-check';
import { pino } from 'pino';
import { ClusterView } from '../cluster/cluster-view.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import { MemoryRequests } from '../testing/memory-requests.ts';
import { SlotQueries } from './slot-queries.ts';

const SLOT = parseSlot(0);
const TIMEOUT_MS = 10_000;
const clock = { nowMs: () => Date.now() };
const fine = (applied: number): FetchAnswer => ({ ok: true, appliedSequence: parseSequence(applied) });
const FAILED: ItemFailure = { ok: false, error: 'overloaded', message: 'too much' };

type Behaviour = (items: readonly FetchItem[]) => Promise<readonly (FetchAnswer | ItemFailure)[]>;

const answersAfter = (durationMs: number, applied = 0): Behaviour => async (items) => {
  if (durationMs > 0) await new Promise((resolve) => setTimeout(resolve, durationMs));
  return items.map(() => fine(applied));
};
const standsStill: Behaviour = () => new Promise(() => undefined);
const fails = (code: 'overloaded' | 'invalid_field'): Behaviour => async () => {
  throw new ShoalError(code, 'no');
};

/** Shards whose behaviour the test decides, and a gateway's questions to them. */
class Replicas {
  readonly requests = new MemoryRequests();
  readonly view = new ClusterView({ requests: this.requests, slots: 1, clock, logger: pino({ level: 'silent' }) });
  readonly queries = new SlotQueries({ requests: this.requests, replicas: this.view, clock, timers: systemTimers });
  /** Which replica was asked for how many items, in this order. */
  readonly asked: string[] = [];
  #announcements = 0;

  async serve(shard: string, behaviour: Behaviour): Promise<{ close(): Promise<void> }> {
    return this.requests.serve(SUBJECTS.queryOf(SLOT, parseShardId(shard)), async (payload) => {
      const request = decodeQueryRequest(payload);
      if (request.type !== 'fetch') throw new Error('only fetches are sent here');
      this.asked.push(`${shard} ${request.items.length}`);
      return encodeQueryResponse({ type: 'fetch', items: await behaviour(request.items) });
    });
  }

  announce(shard: string, over: { readonly ready?: boolean; readonly lagging?: true } = {}): void {
    this.#announcements += 1;
    this.requests.announce(SUBJECTS.shardStatus, encodeShardStatus({
      shard: parseShardId(shard), version: '1', count: this.#announcements, startedAtMs: 1, engineMemoryBytes: 0, engineMemoryMaxBytes: 0,
      slots: [{ slot: SLOT, ready: true, appliedSequence: parseSequence(0), setAsideCount: 0, embeddingCount: 0, vectorCount: 0, ...over }],
    }));
  }

  ask(count = 1, timeoutMs = TIMEOUT_MS): Promise<readonly (FetchAnswer | ItemFailure)[]> {
    const items = Array.from({ length: count }, (_, index): FetchItem => ({
      code: parseEmbeddingCode(1), partition: parsePartition(0), key: `k${index}` as VectorKey, after: parseSequence(0), timeoutMs: timeoutMs - 1,
    }));
    return this.queries.ask(SLOT, 'fetch', items, timeoutMs);
  }
}

async function startReplicas(behaviours: Readonly<Record<string, Behaviour>>): Promise<Replicas> {
  const replicas = new Replicas();
  await replicas.view.start();
  for (const [shard, behaviour] of Object.entries(behaviours)) {
    await replicas.serve(shard, behaviour);
    replicas.announce(shard);
  }
  return replicas;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('questions to the replicas of a slot', () => {
  it('are shared out between them', async () => {
    const replicas = await startReplicas({ a: answersAfter(0), b: answersAfter(0) });
    for (let count = 0; count < 10; count += 1) await replicas.ask();
    expect(replicas.asked.filter((name) => name === 'a 1').length).toBe(5);
    expect(replicas.queries.counts).toEqual({ questions: 10, askedAgain: 0, hedged: 0 });
  });

  it('go to another at once when one is gone or fails, and to one that is gone not again until it announces itself', async () => {
    const replicas = await startReplicas({ b: fails('overloaded'), c: answersAfter(0, 3) });
    replicas.announce('a');
    for (let count = 0; count < 9; count += 1) expect(await replicas.ask()).toEqual([fine(3)]);
    expect(replicas.requests.requestCounts.get('shoal.q.0.a')).toBe(1);
    replicas.announce('a');
    for (let count = 0; count < 3; count += 1) await replicas.ask();
    expect(replicas.requests.requestCounts.get('shoal.q.0.a')).toBe(2);
  });

  it('ask another for those items alone that one could not answer', async () => {
    const replicas = await startReplicas({ a: async (items) => items.map((_, index) => (index === 1 ? FAILED : fine(1))), b: answersAfter(0, 2) });
    replicas.announce('b', { lagging: true });
    expect(await replicas.ask(3)).toEqual([fine(1), fine(2), fine(1)]);
    expect(replicas.asked).toEqual(['a 3', 'b 1']);
  });

  it('end with an answer that another replica would give too', async () => {
    const refusing = await startReplicas({ a: fails('invalid_field'), b: fails('invalid_field') });
    await expect(refusing.ask()).rejects.toMatchObject({ code: 'invalid_field' });
    const dropped: ItemFailure = { ok: false, error: 'embedding_dropped', message: 'gone' };
    const answering = await startReplicas({ a: async () => [dropped], b: async () => [dropped] });
    expect(await answering.ask()).toEqual([dropped]);
    expect([refusing.asked.length, answering.asked.length]).toEqual([1, 1]);
  });

  it('go to one that lags only when the others fail', async () => {
    const replicas = await startReplicas({ a: answersAfter(0, 1), b: answersAfter(0, 2) });
    replicas.announce('a', { lagging: true });
    for (let count = 0; count < 4; count += 1) expect(await replicas.ask()).toEqual([fine(2)]);
    replicas.announce('b', { ready: false });
    expect(await replicas.ask()).toEqual([fine(1)]);
  });

  it('are put to a second one when the first takes longer than usual, for a bounded share of them', async () => {
    const replicas = await startReplicas({ a: answersAfter(90), b: answersAfter(90) });
    const asking = Array.from({ length: 300 }, () => replicas.ask());
    await vi.advanceTimersByTimeAsync(100);
    await Promise.all(asking);
    expect(replicas.queries.counts).toMatchObject({ askedAgain: 0 });
    // The usual is known now, and both are slower from now on.
    await replicas.serve('a', answersAfter(200));
    await replicas.serve('b', answersAfter(200));
    const slow = Array.from({ length: 200 }, () => replicas.ask());
    await vi.advanceTimersByTimeAsync(250);
    await Promise.all(slow);
    const { askedAgain, hedged } = replicas.queries.counts;
    expect(hedged).toBe(askedAgain);
    expect(hedged).toBe(GATEWAY_LIMITS.hedgeStock);
  });

  it('leave a shard that stands still, without errors and beyond that share, and come back to it', async () => {
    const replicas = await startReplicas({ a: answersAfter(1), b: standsStill });
    const answers: Promise<unknown>[] = [];
    for (let count = 0; count < 500; count += 1) {
      answers.push(replicas.ask());
      if (count % 100 === 0) replicas.announce('a');
      await vi.advanceTimersByTimeAsync(5);
    }
    await vi.advanceTimersByTimeAsync(GATEWAY_LIMITS.answerOverdueMs * 2);
    await Promise.all(answers);
    const askedInVain = replicas.asked.filter((name) => name === 'b 1').length;
    expect(askedInVain).toBeGreaterThan(0);
    expect(askedInVain).toBeLessThan(20);
    await replicas.serve('b', answersAfter(1));
    replicas.announce('b');
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS);
    replicas.announce('a');
    replicas.announce('b');
    for (let count = 0; count < 10; count += 1) {
      const answer = replicas.ask();
      await vi.advanceTimersByTimeAsync(1);
      await answer;
    }
    expect(replicas.asked.filter((name) => name === 'b 1').length).toBe(askedInVain + 5);
  });

  it('wait for a shard that was there lately, and not for one that nobody has heard of', async () => {
    const replicas = await startReplicas({});
    const lost = expect(replicas.ask()).rejects.toMatchObject({ code: 'slot_unavailable' });
    await vi.advanceTimersByTimeAsync(GATEWAY_LIMITS.slotRetryDelayMs);
    await lost;
    replicas.announce('a');
    const waiting = replicas.ask();
    await vi.advanceTimersByTimeAsync(1_000);
    await replicas.serve('a', answersAfter(0, 5));
    replicas.announce('a');
    await vi.advanceTimersByTimeAsync(GATEWAY_LIMITS.slotRetryDelayMaxMs);
    expect(await waiting).toEqual([fine(5)]);
  });

  it('are answered whenever one replica answers, whatever the others do', async () => {
    const behaviour = fc.oneof(
      fc.record({ does: fc.constant('answers' as const), durationMs: fc.nat(300) }),
      fc.record({ does: fc.constantFrom('stands still' as const, 'fails' as const, 'is gone' as const, 'fails items' as const) }),
    );
    await fc.assert(fc.asyncProperty(fc.array(behaviour, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1_000, max: 5_000 }), fc.integer({ min: 1, max: 30 }), async (behaviours, timeoutMs, count) => {
      const replicas = await startReplicas({ good: answersAfter(50) });
      for (const [index, each] of behaviours.entries()) {
        const shard = `s${index}`;
        if (each.does === 'answers') await replicas.serve(shard, answersAfter(each.durationMs));
        if (each.does === 'stands still') await replicas.serve(shard, standsStill);
        if (each.does === 'fails') await replicas.serve(shard, fails('overloaded'));
        if (each.does === 'fails items') await replicas.serve(shard, async (items) => items.map(() => FAILED));
        replicas.announce(shard);
      }
      const asking = Array.from({ length: count }, () => replicas.ask(2, timeoutMs));
      const all = Promise.all(asking);
      await vi.advanceTimersByTimeAsync(timeoutMs);
      for (const answer of (await all).flat()) expect(answer).toEqual(fine(0));
      await replicas.view.close();
    }), { numRuns: 60 });
  });
});

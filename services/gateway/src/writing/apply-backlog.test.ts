import type { Timers } from '@shoal/pacing';
import { parseSequence, parseShardId, parseSlot } from '@shoal/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Replica } from '../cluster/replica.ts';
import { ShardLife } from '../cluster/shard-life.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import { ApplyBacklog } from './apply-backlog.ts';

const slot = parseSlot(2);
const { backlogMs, backlogRefusedMs, delayedWritesPerSlot } = GATEWAY_LIMITS;

let nowMs: number;
let replicas: Replica[];
let backlog: ApplyBacklog;
/** Called whenever a write goes on waiting. */
let meanwhile: () => void;

let timePasses: boolean;

/** Whoever waits is woken at once, at the time to which it wanted to wait. */
const timers: Timers = {
  after: (delayMs, callback) => {
    if (timePasses) nowMs += delayMs;
    meanwhile();
    setImmediate(callback);
    return () => undefined;
  },
};

function replica(name: string, applied: number, over: { readonly lagging?: boolean } = {}): Replica {
  return { shard: parseShardId(name), subject: name, lagging: false, withoutMemory: [], announced: { applied: parseSequence(applied), atMs: nowMs }, life: new ShardLife(nowMs), ...over };
}

/** Replicas announce what they have applied: as much as before, or so much. */
const announce = (applied?: number): void => {
  replicas = replicas.map((known) => {
    known.life.announced(nowMs);
    return { ...known, announced: { applied: applied === undefined ? known.announced.applied : parseSequence(applied), atMs: nowMs } };
  });
};

beforeEach(() => {
  nowMs = 1_000_000;
  replicas = [];
  timePasses = true;
  meanwhile = () => announce();
  backlog = new ApplyBacklog({ replicas: { replicasOf: () => replicas }, clock: { nowMs: () => nowMs }, timers });
});

describe('writes beside replicas that are behind', () => {
  it('are measured by the oldest write that a replica which keeps pace has not applied', () => {
    replicas = [replica('a', 10), replica('b', 11), replica('c', 2, { lagging: true })];
    backlog.note(slot, parseSequence(11));
    nowMs += 1_000;
    backlog.note(slot, parseSequence(12));
    nowMs += 500;
    expect(backlog.behindMs(slot)).toBe(0);
    announce();
    expect(backlog.behindMs(slot)).toBe(1_500);
    nowMs += 100;
    expect(backlog.behindMs(slot)).toBe(1_500);
    // An answer tells sooner than the next announcement.
    replicas[0]?.life.hasApplied(slot, parseSequence(11), nowMs);
    expect(backlog.behindMs(slot)).toBe(600);
    replicas = [replica('a', 12), replica('b', 12)];
    expect(backlog.behindMs(slot)).toBe(0);
  });

  it('go to the log at once while the replicas keep pace, and while none is there', async () => {
    backlog.note(slot, parseSequence(7));
    nowMs += 60_000;
    const beforeMs = nowMs;
    await backlog.room([slot], 10_000);
    replicas = [replica('a', 7)];
    await backlog.room([slot], 10_000);
    replicas = [replica('silent', 1)];
    nowMs += GATEWAY_LIMITS.announcementOverdueMs + 1;
    await backlog.room([slot], 10_000);
    expect(nowMs - beforeMs).toBe(GATEWAY_LIMITS.announcementOverdueMs + 1);
  });

  it('wait until the replicas have come closer', async () => {
    replicas = [replica('a', 1)];
    backlog.note(slot, parseSequence(2));
    nowMs += backlogMs + 1;
    const catchesUpAtMs = nowMs + 1_000;
    meanwhile = () => {
      announce(nowMs >= catchesUpAtMs ? 2 : 1);
    };
    announce();
    await backlog.room([slot], 10_000);
    expect(nowMs).toBeGreaterThanOrEqual(catchesUpAtMs);
    expect(nowMs).toBeLessThan(catchesUpAtMs + 1_000);
  });

  it('wait for half of their time at most, and then go to the log unless it is far behind', async () => {
    replicas = [replica('a', 1)];
    backlog.note(slot, parseSequence(2));
    nowMs += backlogMs + 1;
    announce();
    const beforeMs = nowMs;
    await backlog.room([slot], 1_000);
    expect(nowMs - beforeMs).toBeGreaterThanOrEqual(500);
    expect(nowMs - beforeMs).toBeLessThan(1_000);
    nowMs += backlogRefusedMs;
    announce();
    const laterMs = nowMs;
    await expect(backlog.room([slot], 4_000)).rejects.toMatchObject({ code: 'overloaded' });
    expect(nowMs - laterMs).toBeGreaterThanOrEqual(2_000);
    expect(nowMs - laterMs).toBeLessThan(4_000);
  });

  it('are refused at once when too many wait already', async () => {
    replicas = [replica('a', 1)];
    backlog.note(slot, parseSequence(2));
    nowMs += backlogMs + 1;
    announce();
    timePasses = false;
    const waiting = Array.from({ length: delayedWritesPerSlot }, () => backlog.room([slot], 60_000).catch((error: { code: string }) => error.code));
    await expect(backlog.room([slot], 60_000)).rejects.toMatchObject({ code: 'overloaded' });
    meanwhile = () => announce(2);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([undefined]));
    expect(backlog.counts).toEqual({ delayed: delayedWritesPerSlot, refused: 1 });
  });
});

import type { LogEntry, MutationLog } from '@shoal/bus';
import { systemTimers } from '@shoal/pacing';
import { ShoalError, decodeMutation, parseEmbeddingCode, parsePartition, parseSequence, parseSlot, parseVectorKey, type AwaitAppliedAnswer, type OperationId, type Outcome, type Sequence, type Slot, type VectorOperation } from '@shoal/protocol';
import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { GATEWAY_LIMITS } from '../limits.ts';
import type { AppliedWait } from './applied-wait.ts';
import { JointMessages, mayShare, type LoggedShare, type Share } from './joint-messages.ts';

const DIM = 2;
const LONG_MS = 60_000;
const address = { slot: parseSlot(3), code: parseEmbeddingCode(7), partition: parsePartition(1) };
const put = (key: string, value = 0): VectorOperation => ({ type: 'upsert', key: parseVectorKey(key), vector: Float32Array.of(value, 1) });
const share = (...keys: readonly string[]): Share => ({ address, dim: DIM, operations: keys.map((key) => put(key)), awaited: false });
const isFirst = (value: number): Outcome => (value % 2 === 0 ? 'created' : 'replaced');

interface Sent {
  readonly entry: LogEntry;
  readonly keys: readonly string[];
  acknowledge(): void;
  fail(error: Error): void;
}

let sent: Sent[];
/** Sequences that the shard was asked for. */
let asked: Sequence[];
let shardAnswer: (sequence: Sequence) => Promise<readonly AwaitAppliedAnswer[]>;
let joint: JointMessages;

const keysOf = (entry: LogEntry): readonly string[] => {
  const mutation = decodeMutation(entry.bytes);
  expect(mutation).toMatchObject({ type: 'write', code: address.code, partition: entry.address.partition, dim: DIM, operationId: entry.operationId });
  return mutation.type === 'write' ? mutation.operations.map(({ key }) => key) : [];
};

/** A log whose messages the test acknowledges by hand; the n-th has sequence n. */
const publish = (entries: readonly LogEntry[]): Promise<readonly Sequence[]> => new Promise((resolve, reject) => {
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) throw new Error('joint messages go one by one');
  const sequence = parseSequence(sent.length + 1);
  sent.push({ entry, keys: keysOf(entry), acknowledge: () => resolve([sequence]), fail: reject });
});

/** Of each operation of a message, by its place in it. */
const outcomesOf = (sequence: Sequence): readonly AwaitAppliedAnswer[] => [{ ok: true, appliedSequence: sequence, outcomes: (sent[sequence - 1]?.keys ?? []).map((_, index) => isFirst(index)) }];

beforeEach(() => {
  sent = [];
  asked = [];
  shardAnswer = (sequence) => Promise.resolve(outcomesOf(sequence));
  const wait = (_slot: Slot, [sequence = parseSequence(0)]: readonly Sequence[]): Promise<readonly AwaitAppliedAnswer[]> => {
    asked.push(sequence);
    return shardAnswer(sequence);
  };
  let ids = 0;
  joint = new JointMessages({
    log: { publish } as unknown as MutationLog, appliedWait: { wait } as unknown as AppliedWait,
    clock: { nowMs: () => performance.now() }, timers: systemTimers, newOperationId: () => (ids += 1).toString(16).padStart(32, '0') as OperationId,
  });
});

const join = (given: Share, timeoutMs = LONG_MS): Promise<LoggedShare> => joint.join(given, performance.now() + timeoutMs);
const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

describe('small writes to one partition', () => {
  it('that come while a message is under way leave together as the next one', async () => {
    const first = join(share('a'));
    const others = [join(share('b', 'c')), join(share('d'))];
    expect(sent.map(({ keys }) => keys)).toEqual([['a']]);
    sent[0]?.acknowledge();
    expect((await first).sequence).toBe(1);
    await turn();
    expect(sent.map(({ keys }) => keys)).toEqual([['a'], ['b', 'c', 'd']]);
    sent[1]?.acknowledge();
    const logged = await Promise.all(others);
    expect(logged.map(({ sequence }) => sequence)).toEqual([2, 2]);
    expect(await Promise.all(logged.map((one) => one.answer()))).toEqual([{ outcomes: ['created', 'replaced'] }, { outcomes: ['created'] }]);
    expect(asked).toEqual([2]);
  });

  it('do not wait for those to another partition', async () => {
    const logged = [join(share('a')), join({ ...share('a'), address: { ...address, partition: parsePartition(2) } })];
    expect(sent.map(({ entry }) => entry.address.partition)).toEqual([1, 2]);
    for (const { acknowledge } of sent) acknowledge();
    expect((await Promise.all(logged)).map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('that name the same key are in different messages, in their order', async () => {
    void join(share('a'));
    void join(share('x', 'b'));
    void join(share('c', 'x'));
    void join(share('b'));
    for (let index = 0; index < sent.length; index += 1) {
      sent[index]?.acknowledge();
      await turn();
    }
    expect(sent.map(({ keys }) => keys)).toEqual([['a'], ['x', 'b'], ['c', 'x', 'b']]);
  });

  it('fail together when the log refuses their message, and no others with them', async () => {
    const first = join(share('a'));
    const refused = [join(share('b')), join(share('c'))];
    sent[0]?.acknowledge();
    await first;
    await turn();
    const later = join(share('d'));
    sent[1]?.fail(new ShoalError('log_unavailable', 'No.'));
    for (const write of refused) await expect(write).rejects.toMatchObject({ code: 'log_unavailable' });
    await turn();
    sent[2]?.acknowledge();
    expect((await later).sequence).toBe(3);
  });

  it('leave without those whose callers gave up meanwhile', async () => {
    void join(share('a'));
    const impatient = join(share('b'), 20);
    const patient = join(share('c'));
    await expect(impatient).rejects.toMatchObject({ code: 'log_unavailable' });
    sent[0]?.acknowledge();
    await turn();
    expect(sent[1]?.keys).toEqual(['c']);
    sent[1]?.acknowledge();
    expect(await (await patient).answer()).toEqual({ outcomes: ['created'] });
  });

  it('that wait to be applied gather behind two messages that do, those of others do not, and none waits for long', async () => {
    const applied: (() => void)[] = [];
    shardAnswer = (sequence) => new Promise((resolve) => applied.push(() => resolve(outcomesOf(sequence))));
    const waiting = (...keys: readonly string[]): Promise<LoggedShare> => join({ ...share(...keys), awaited: true });
    const acknowledge = async (index: number): Promise<void> => {
      sent[index]?.acknowledge();
      await turn();
    };
    for (const [index, key] of ['a', 'b'].entries()) {
      void waiting(key);
      await acknowledge(index);
    }
    void waiting('c');
    void waiting('d');
    await turn();
    expect(sent.map(({ keys }) => keys)).toEqual([['a'], ['b']]);
    applied[0]?.();
    await turn();
    expect(sent[2]?.keys).toEqual(['c', 'd']);
    await acknowledge(2);
    void waiting('e');
    void join(share('f'));
    expect(sent[3]?.keys).toEqual(['e', 'f']);
    await acknowledge(3);
    const late = waiting('g');
    await new Promise((resolve) => { setTimeout(resolve, GATEWAY_LIMITS.jointWaitMs * 3); });
    expect(sent[4]?.keys).toEqual(['g']);
    await acknowledge(4);
    expect((await late).sequence).toBe(5);
  });

  it('wait until they are applied each for its own time', async () => {
    const applied = Promise.withResolvers<void>();
    shardAnswer = async (sequence) => {
      await applied.promise;
      return outcomesOf(sequence);
    };
    void join(share('a'));
    // Time enough to be logged, and no more.
    const impatient = join(share('b'), 1_000);
    const patient = join(share('c'));
    sent[0]?.acknowledge();
    await turn();
    sent[1]?.acknowledge();
    const [inTime, late] = [(await patient).answer(), (await impatient).answer()];
    await expect(late).rejects.toMatchObject({ code: 'receipt_timeout' });
    applied.resolve();
    expect(await inTime).toEqual({ outcomes: ['replaced'] });
  });

  it('are in one message each, whole, in order, apart from their own keys, within the bounds', async () => {
    const key = fc.integer({ min: 0, max: 40 }).map(String);
    const writes = fc.array(fc.record({ keys: fc.array(key, { minLength: 1, maxLength: 60 }), acknowledges: fc.boolean() }), { minLength: 1, maxLength: 40 });
    await fc.assert(fc.asyncProperty(writes, async (given) => {
      sent = [];
      let acknowledged = 0;
      const acknowledge = async (): Promise<void> => {
        sent[acknowledged]?.acknowledge();
        acknowledged += 1;
        await turn();
      };
      const logged: Promise<LoggedShare>[] = [];
      for (const { keys, acknowledges } of given) {
        logged.push(join(share(...keys)));
        if (acknowledges && acknowledged < sent.length) await acknowledge();
      }
      while (acknowledged < sent.length) await acknowledge();
      const sequences = (await Promise.all(logged)).map(({ sequence }) => sequence);
      expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
      const expected = sent.map((_, index) => given.filter((_write, write) => sequences[write] === index + 1).map(({ keys }) => keys));
      expect(sent.map(({ keys }) => keys)).toEqual(expected.map((shares) => shares.flat()));
      for (const shares of expected) {
        const distinct = shares.map((keys) => new Set(keys));
        expect(new Set(shares.flat()).size).toBe(distinct.reduce((sum, keys) => sum + keys.size, 0));
        expect(shares.flat().length).toBeLessThanOrEqual(GATEWAY_LIMITS.jointOperations);
      }
    }), { numRuns: 60 });
  });
});

describe('a write may share a message', () => {
  it('when it puts few and small vectors, and does nothing else', () => {
    const few = Array.from({ length: GATEWAY_LIMITS.jointOperations / 4 }, (_, index) => put(`k${index}`));
    expect(mayShare(few, DIM)).toBe(true);
    expect(mayShare([...few, put('one more')], DIM)).toBe(false);
    expect(mayShare([put('a'), { type: 'delete', key: parseVectorKey('b') }], DIM)).toBe(false);
    expect(mayShare([{ type: 'merge_payload', key: parseVectorKey('b'), payload: Buffer.from('{}') }], DIM)).toBe(false);
    expect(mayShare([{ ...put('a'), type: 'insert', vector: new Float32Array(4), payload: Buffer.alloc(GATEWAY_LIMITS.jointBytes / 4) }], 4)).toBe(false);
  });
});

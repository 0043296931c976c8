import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '@shoal/index';
import { SUBJECTS, decodeOutcomes, encodeMutation, parseEmbeddingSpec, type Mutation, type Partition, type Sequence, type Slot, type VectorKey } from '@shoal/protocol';
import { ShardStore } from '@shoal/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerQuery } from './answer-query.ts';
import type { SlotMessage } from './read-message.ts';
import { SlotMachine } from './slot-machine.ts';
import { systemTimers as timers } from '@shoal/pacing';

const DIM = 4_096;
const slot = 0 as Slot;
const partition = 0 as Partition;

const specOf = (code: number) => parseEmbeddingSpec({
  code, tenant: 'default', name: `e${code}`, model: 'm', dim: DIM, distance: 'l2', hnsw: { m: 8, efConstruction: 40, seed: 1 },
  rabitq: { bits: 4, seed: 42 }, storage: 'f32', partitions: 1, replicas: 1,
});

type Body = { type: 'define' | 'drop' } | { type: 'write'; keys: readonly string[] };

function mutationOf(code: number, head: Pick<Mutation, 'operationId' | 'code' | 'partition'>, body: Body): Mutation {
  switch (body.type) {
    case 'define':
      return { ...head, type: 'define', spec: specOf(code) };
    case 'drop':
      return { ...head, type: 'drop' };
    case 'write':
      return { ...head, type: 'write', dim: DIM, operations: body.keys.map((key, index) => ({ type: 'upsert', key: key as VectorKey, vector: new Float32Array(DIM).fill(index) })) };
  }
}

let sequence = 0;
function message(code: number, body: Body): SlotMessage {
  sequence += 1;
  const head = { operationId: sequence.toString(16).padStart(32, '0') as Mutation['operationId'], code: specOf(code).code, partition };
  const bytes = encodeMutation(mutationOf(code, head, body));
  return { sequence: sequence as Sequence, subject: SUBJECTS.mutation({ slot, code: head.code, partition }), timeMs: 0, bytes };
}

const keysOf = (from: number, count: number): string[] => Array.from({ length: count }, (_, index) => `k${from + index}`);

let engine: Engine;
let directory: string;
let store: ShardStore;

beforeEach(async () => {
  sequence = 0;
  engine = await Engine.start({ memoryMaxBytes: 16 * 2 ** 20, searchThreadCount: 1 });
  directory = await mkdtemp(join(tmpdir(), 'shoal-slot-failures-'));
  store = await ShardStore.open({ directory, slots: 1 });
});
afterEach(async () => {
  await engine.close();
  await store.close();
  await rm(directory, { recursive: true });
});

const recover = (signal: AbortSignal = new AbortController().signal): Promise<SlotMachine> => SlotMachine.recover({ slot, slots: 1, store, engine, timers }, signal);

describe('a slot machine that fails', () => {
  it('gives the memory of its indexes back when recovery does not come to its end', async () => {
    const machine = await recover();
    await machine.apply([message(1, { type: 'define' }), message(2, { type: 'define' }), message(2, { type: 'write', keys: ['a'] })]);
    await machine.close();
    const before = engine.stats();
    await expect(recover(AbortSignal.abort())).rejects.toThrow();
    expect(engine.stats()).toEqual(before);
  });

  it('gives the memory of a new index back when its definition cannot be stored', async () => {
    const machine = await recover();
    const before = engine.stats().indexCount;
    const commit = store.commit.bind(store);
    store.commit = () => Promise.reject(new Error('the disk is full'));
    await expect(machine.apply([message(1, { type: 'define' })])).rejects.toThrow('the disk is full');
    store.commit = commit;
    await machine.close();
    expect(engine.stats().indexCount).toBe(before);
  });

  it('tells of a commit that failed behind the call, and takes nothing after it', async () => {
    const machine = await recover();
    await machine.apply([message(1, { type: 'define' })]);
    const before = machine.appliedSequence;
    const commit = store.commit.bind(store);
    store.commit = () => Promise.reject(new Error('the disk is full'));
    const { applied } = await machine.applyAhead([message(1, { type: 'write', keys: ['a'] })]);
    await expect(applied).rejects.toThrow('the disk is full');
    store.commit = commit;
    await expect(machine.applyAhead([message(1, { type: 'write', keys: ['b'] })])).rejects.toThrow('the disk is full');
    expect(machine.appliedSequence).toBe(before);
    await machine.close();
    const recovered = await recover();
    expect(recovered.appliedSequence).toBe(before);
    await recovered.close();
  });

  it('sets aside only what does not fit when groups follow each other without a pause', async () => {
    const machine = await recover();
    await machine.apply([message(1, { type: 'define' })]);
    const groups = Array.from({ length: 40 }, (_, part) => [message(1, { type: 'write', keys: keysOf(part * 30, 30) })]);
    const told: Promise<void>[] = [];
    for (const group of groups) told.push((await machine.applyAhead(group)).applied);
    const waited = machine.waitApplied(groups.at(-1)?.[0]?.sequence ?? (0 as Sequence), 30_000);
    await Promise.all(told);
    // The last found no memory; who waits for it is told all the same.
    await waited;
    const fates = groups.flat().map((part) => decodeOutcomes(machine.state.recent.at(part.sequence)?.outcomes ?? new Uint8Array())[0]);
    expect(new Set(fates)).toEqual(new Set(['created', 'memory_full']));
    expect(machine.state.setAsideCount).toBe(fates.filter((fate) => fate === 'memory_full').length);
    const partitionState = machine.state.partition({ code: specOf(1).code, partition });
    expect(partitionState?.state === 'active' && partitionState.vectorCount).toBe(fates.filter((fate) => fate === 'created').length * 30);
    await machine.close();
  });

  it('sets aside only what does not fit when memory ends in the middle of a run over several partitions', async () => {
    const machine = await recover();
    await machine.apply([message(1, { type: 'define' }), message(2, { type: 'define' }), message(3, { type: 'define' })]);
    const small = message(1, { type: 'write', keys: keysOf(0, 3) });
    const fits = message(2, { type: 'write', keys: keysOf(0, 5) });
    const tooMuch = Array.from({ length: 33 }, (_, part) => message(3, { type: 'write', keys: keysOf(part * 30, 30) }));
    const after = message(1, { type: 'write', keys: ['k1', 'last'] });
    await machine.apply([small, fits, ...tooMuch, after]);
    expect(machine.appliedSequence).toBe(after.sequence);
    const outcomes = (of: SlotMessage) => decodeOutcomes(machine.state.recent.at(of.sequence)?.outcomes ?? new Uint8Array());
    expect(outcomes(small)).toEqual(['created', 'created', 'created']);
    expect(outcomes(fits)).toEqual(Array.from({ length: 5 }, () => 'created'));
    expect(outcomes(after)).toEqual(['replaced', 'created']);
    const fates = tooMuch.map((part) => outcomes(part)[0]);
    expect(new Set(fates)).toEqual(new Set(['created', 'memory_full']));
    expect(machine.state.setAsideCount).toBe(fates.filter((fate) => fate === 'memory_full').length);
    for (const [code, count] of [[1, 4], [2, 5], [3, fates.filter((fate) => fate === 'created').length * 30]] as const) {
      const { items: [answer] } = await answerQuery(machine, { type: 'search', items: [{
        code: specOf(code).code, partition, vector: new Float32Array(DIM), k: 1_000, ef: 100, path: 'flat', rerank: 1, after: 0 as Sequence, timeoutMs: 1_000, includeValues: true, includePayload: false,
      }] });
      const hits = answer?.ok === true && 'hits' in answer ? answer.hits : [];
      expect([hits.length, new Set(hits.map(({ key }) => key)).size]).toEqual([count, count]);
    }
    await machine.close();
  });

  it('tries a message that found no memory again when it comes again, and another that was applied not', async () => {
    const machine = await recover();
    await machine.apply([message(1, { type: 'define' }), message(2, { type: 'define' })]);
    const outcomesOf = (of: SlotMessage) => decodeOutcomes(machine.state.recent.at(of.sequence)?.outcomes ?? new Uint8Array());
    const vectorCount = (): number => {
      const state = machine.state.partition({ code: specOf(2).code, partition });
      return state?.state === 'active' ? state.vectorCount : 0;
    };
    const again = (of: SlotMessage): SlotMessage => ({ ...of, sequence: (sequence += 1) as Sequence });
    const first = message(2, { type: 'write', keys: ['a'] });
    await machine.apply([first]);
    /** Writes until a message finds no memory, and returns that one. */
    const filled = async (code: number): Promise<SlotMessage> => {
      for (;;) {
        const filler = message(code, { type: 'write', keys: keysOf(sequence * 30, 30) });
        await machine.apply([filler]);
        if (outcomesOf(filler)[0] !== 'created') return filler;
      }
    };
    await filled(1);
    const leftOut = await filled(2);
    const tooEarly = again(leftOut);
    await machine.apply([tooEarly]);
    for (const each of [leftOut, tooEarly]) expect(new Set(outcomesOf(each))).toEqual(new Set(['memory_full']));
    const before = vectorCount();
    await machine.apply([message(1, { type: 'drop' })]);
    const [late, later, other] = [again(leftOut), again(leftOut), again(first)];
    await machine.apply([late, later, other]);
    for (const each of [late, later]) expect(new Set(outcomesOf(each))).toEqual(new Set(['created']));
    expect(outcomesOf(other)).toEqual(['created']);
    expect(vectorCount()).toBe(before + 30);
    await machine.close();
  });

  it('refuses whoever waits, and whoever comes to wait, once it stops answering', async () => {
    const machine = await recover();
    const wait = () => answerQuery(machine, { type: 'await-applied', items: [{ sequence: 1 as Sequence, timeoutMs: 60_000 }] });
    const early = wait();
    machine.stopWaiting();
    const refused = { items: [{ ok: false, error: 'slot_unavailable' }] };
    expect(await early).toMatchObject(refused);
    expect(await wait()).toMatchObject(refused);
    await machine.close();
  });
});

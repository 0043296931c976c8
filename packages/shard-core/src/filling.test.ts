/** Fields that are declared while there are many payloads, and while they change. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '@shoal/index';
import { systemTimers as timers } from '@shoal/pacing';
import { SUBJECTS, encodeMutation, filterBytes, parseFilter, type Mutation, type OperationId, type Partition, type Sequence, type VectorKey, type VectorOperation } from '@shoal/protocol';
import { ShardStore } from '@shoal/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { answerQuery } from './answer-query.ts';
import type { SlotMessage } from './read-message.ts';
import { SlotMachine } from './slot-machine.ts';
import { ALL_FIELDS, DIM, SLOT, SPEC } from './testing/payload-scenarios.ts';

const COUNT = 4_000;
let engine: Engine;
let directory: string;
let store: ShardStore;
let machine: SlotMachine;
let sequence = 0;

beforeEach(async () => {
  engine = await Engine.start({ memoryMaxBytes: 128 * 2 ** 20, searchThreadCount: 1 });
  directory = await mkdtemp(join(tmpdir(), 'shoal-filling-'));
  store = await ShardStore.open({ directory, slots: 1 });
  sequence = 0;
  machine = await recover();
});

afterEach(async () => {
  await machine.close();
  await store.close();
  await engine.close();
  await rm(directory, { recursive: true });
});

const recover = (): Promise<SlotMachine> => SlotMachine.recover({ slot: SLOT, slots: 1, store, engine, timers }, new AbortController().signal);
const head = () => ({ operationId: (sequence + 1).toString(16).padStart(32, '0') as OperationId, code: SPEC.code, partition: 0 as Partition });

function message(mutation: Mutation): SlotMessage {
  sequence += 1;
  return { sequence: sequence as Sequence, subject: SUBJECTS.mutation({ slot: SLOT, code: SPEC.code, partition: 0 as Partition }), timeMs: sequence, bytes: encodeMutation(mutation) };
}

const payloadOf = (year: number): Uint8Array => new TextEncoder().encode(JSON.stringify({ year }));
const write = (operations: readonly VectorOperation[]): SlotMessage => message({ type: 'write', ...head(), dim: DIM, operations });
const put = (number: number, year: number): VectorOperation => ({ type: 'upsert', key: `k${number}` as VectorKey, vector: Float32Array.of(number, 1), payload: payloadOf(year) });

async function countOf(year: number, timeoutMs = 30_000) {
  const filter = filterBytes(parseFilter({ field: 'year', equals: year }, ALL_FIELDS), ALL_FIELDS);
  const { items: [answer] } = await answerQuery(machine, { type: 'count', items: [{ code: SPEC.code, partition: 0 as Partition, after: 0 as Sequence, timeoutMs, filter }] });
  return answer;
}

async function load(): Promise<void> {
  await machine.apply([message({ type: 'define', ...head(), spec: SPEC })]);
  for (let from = 0; from < COUNT; from += 500) await machine.apply([write(Array.from({ length: 500 }, (_, index) => put(from + index, (from + index) % 10)))]);
}

it('are right as soon as they answer, whatever changes while they are filled', async () => {
  await load();
  const years = new Map(Array.from({ length: COUNT }, (_, number) => [number, number % 10]));
  await machine.apply([message({ type: 'declare', ...head(), fields: ALL_FIELDS })]);
  // All that is known of a field that is being filled is that it is not ready.
  expect(await countOf(3, 1)).toMatchObject({ ok: false, error: 'field_not_ready' });
  for (let round = 0; round < 40; round += 1) {
    const at = (round * 97) % COUNT;
    const operations: VectorOperation[] = [put(at, 10), { type: 'merge_payload', key: `k${(at + 1) % COUNT}` as VectorKey, payload: payloadOf(11) }, { type: 'delete', key: `k${(at + 2) % COUNT}` as VectorKey }];
    years.set(at, 10);
    if (years.has((at + 1) % COUNT)) years.set((at + 1) % COUNT, 11);
    years.delete((at + 2) % COUNT);
    await machine.apply([write(operations)]);
  }
  for (let year = 0; year <= 11; year += 1) expect(await countOf(year)).toMatchObject({ ok: true, count: [...years.values()].filter((one) => one === year).length });
  await machine.close();
  machine = await recover();
  expect(await countOf(10)).toMatchObject({ ok: true, count: [...years.values()].filter((one) => one === 10).length });
});

async function diskBytes(): Promise<number> {
  const files = await readdir(directory);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(directory, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

it('go with their embedding: a drop gives back the memory of the engine and the rows on disk', async () => {
  const usedBytes = engine.stats().usedBytes;
  await load();
  await machine.apply([message({ type: 'declare', ...head(), fields: ALL_FIELDS })]);
  expect(await countOf(1)).toMatchObject({ count: COUNT / 10 });
  expect(engine.stats().usedBytes).toBeGreaterThan(usedBytes);
  await machine.apply([message({ type: 'drop', ...head() })]);
  expect(engine.stats().usedBytes).toBe(usedBytes);
  expect(await countOf(1)).toMatchObject({ ok: false, error: 'embedding_dropped' });
  expect(await store.purgePartition({ code: SPEC.code, partition: 0 as Partition })).toBe(0);
  // What is left is the write-ahead log of the newest records and the slot's own rows.
  await machine.close();
  await store.close();
  store = await ShardStore.open({ directory, slots: 1 });
  machine = await recover();
  expect(await diskBytes()).toBeLessThan(200_000);
});

/** The machine that dies at the n-th commit from here on: what was committed before stays. */
function dieAtCommit(n: number): void {
  let commits = 0;
  const commit = store.commit.bind(store);
  store.commit = async (...parameters) => {
    commits += 1;
    if (commits >= n) throw new Error('died');
    return commit(...parameters);
  };
}

it('lead a delete by a filter through a crash between its steps, with the same count in the end', async () => {
  await load();
  await machine.apply([message({ type: 'declare', ...head(), fields: ALL_FIELDS })]);
  const filter = filterBytes(parseFilter({ field: 'year', range: { lt: 9 } }, ALL_FIELDS), ALL_FIELDS);
  const sweep = message({ type: 'delete_matching', ...head(), filter });
  const healthy = store.commit;
  const before = machine.state.digest;
  for (const survived of [2, 1]) {
    dieAtCommit(survived + 1);
    await expect(machine.apply([sweep])).rejects.toThrow('died');
    store.commit = healthy;
    await machine.close();
    machine = await recover();
    expect(machine.appliedSequence).toBeLessThan(sweep.sequence);
    // The digest is that of the applied sequence, whatever the steps did since.
    expect(machine.state.digest).toBe(before);
    expect(machine.state.unsettledDigest).not.toBe(0n);
  }
  await machine.apply([sweep]);
  const { items: [applied] } = await answerQuery(machine, { type: 'await-applied', items: [{ sequence: sweep.sequence, timeoutMs: 10_000 }] });
  expect(applied).toMatchObject({ ok: true, deleted: { count: (COUNT / 10) * 9 } });
  expect(await countOf(9)).toMatchObject({ count: COUNT / 10 });
  expect(await countOf(8)).toMatchObject({ count: 0 });
  const [partition] = await store.partitions(SLOT);
  expect(partition?.record).toMatchObject({ vectorCount: COUNT / 10 });
  expect(partition?.record).not.toHaveProperty('deleting');
  expect(await store.scanSlot(SLOT, async () => undefined)).toMatchObject({ appliedSequence: sweep.sequence });
  expect(machine.state.unsettledDigest).toBe(0n);
});

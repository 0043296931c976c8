import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '@shoal/index';
import { systemTimers as timers } from '@shoal/pacing';
import { SUBJECTS, encodeMutation, parseEmbeddingSpec, payloadToJson, type Mutation, type Partition, type SearchAnswer, type Sequence, type Slot, type VectorKey, type VectorOperation } from '@shoal/protocol';
import { ShardStore } from '@shoal/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerQuery } from './answer-query.ts';
import type { SlotMessage } from './read-message.ts';
import { SlotMachine } from './slot-machine.ts';

const DIM = 4;
const slot = 0 as Slot;
const partition = 0 as Partition;
const spec = parseEmbeddingSpec({
  code: 1, tenant: 'default', name: 'e', model: 'm', dim: DIM, distance: 'l2', hnsw: { m: 8, efConstruction: 40, seed: 1 },
  rabitq: { bits: 8, seed: 42 }, storage: 'f32', partitions: 1, replicas: 1,
});
const payloadOf = (color: string): Uint8Array => new TextEncoder().encode(JSON.stringify({ color }));
const vectorOf = (x: number): Float32Array => new Float32Array(DIM).fill(x);
const put = (key: string, x: number, color: string): VectorOperation => ({ type: 'upsert', key: key as VectorKey, vector: vectorOf(x), payload: payloadOf(color) });

let sequence = 0;
function message(operations?: readonly VectorOperation[]): SlotMessage {
  sequence += 1;
  const head = { operationId: sequence.toString(16).padStart(32, '0') as Mutation['operationId'], code: spec.code, partition };
  const bytes = encodeMutation(operations === undefined ? { ...head, type: 'define', spec } : { ...head, type: 'write', dim: DIM, operations });
  return { sequence: sequence as Sequence, subject: SUBJECTS.mutation({ slot, code: spec.code, partition }), timeMs: 0, bytes };
}

let engine: Engine;
let directory: string;
let store: ShardStore;
let machine: SlotMachine;
/** Lets the commits go that were held up. */
let letGo: () => void;

beforeEach(async () => {
  sequence = 0;
  engine = await Engine.start({ memoryMaxBytes: 64 * 2 ** 20, searchThreadCount: 1 });
  directory = await mkdtemp(join(tmpdir(), 'shoal-unstored-'));
  store = await ShardStore.open({ directory, slots: 1 });
  machine = await SlotMachine.recover({ slot, slots: 1, store, engine, timers }, new AbortController().signal);
  await machine.apply([message(), message([put('a', 1, 'red'), put('b', 2, 'red')])]);
  const commit = store.commit.bind(store);
  const held = Promise.withResolvers<void>();
  letGo = held.resolve;
  store.commit = async (...parts) => {
    await held.promise;
    return commit(...parts);
  };
});
afterEach(async () => {
  letGo();
  await machine.close();
  await store.close();
  await engine.close();
  await rm(directory, { recursive: true });
});

async function search(): Promise<readonly (readonly [string, number | undefined, unknown])[]> {
  const { items: [answer] } = await answerQuery(machine, { type: 'search', items: [{
    code: spec.code, partition, vector: vectorOf(0), k: 10, ef: 10, path: 'flat', rerank: 0, after: 0 as Sequence, timeoutMs: 5_000, includeValues: true, includePayload: true,
  }] });
  expect(answer).toMatchObject({ ok: true });
  return (answer as SearchAnswer).hits.map(({ key, values, payload }) => [key, values?.[0], payload === undefined ? undefined : payloadToJson(payload)] as const);
}

describe('rows on their way to the store', () => {
  it('are those of a search that finds their vectors', async () => {
    const { applied } = await machine.applyAhead([message([put('c', 3, 'blue'), put('a', 4, 'green')])]);
    while ((await search()).length < 3) await new Promise((resolve) => { setImmediate(resolve); });
    const shown = [['b', 2, { color: 'red' }], ['c', 3, { color: 'blue' }], ['a', 4, { color: 'green' }]];
    expect(await search()).toEqual(shown);
    expect((await store.read({ code: spec.code, partition }, 'c' as VectorKey))).toBeUndefined();
    letGo();
    await applied;
    expect(await search()).toEqual(shown);
  });

  it('are not shown where payloads change with them that are not to be seen yet', async () => {
    const { applied } = await machine.applyAhead([message([put('c', 3, 'blue'), { type: 'merge_payload', key: 'b' as VectorKey, payload: payloadOf('black') }])]);
    const found = (async () => {
      for (;;) {
        const hits = await search();
        if (hits.length === 3) return hits;
      }
    })();
    let isAnswered = false;
    void found.then(() => { isAnswered = true; });
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
    expect(isAnswered).toBe(false);
    letGo();
    await applied;
    expect(await found).toEqual([['a', 1, { color: 'red' }], ['b', 2, { color: 'black' }], ['c', 3, { color: 'blue' }]]);
  });
});

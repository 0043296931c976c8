import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '@shoal/index';
import { systemTimers as timers } from '@shoal/pacing';
import { SUBJECTS, encodeMutation, parseEmbeddingSpec, type Mutation, type Partition, type SearchAnswer, type SearchItem, type Sequence, type Slot, type VectorKey, type VectorOperation } from '@shoal/protocol';
import { ShardStore } from '@shoal/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { answerQuery } from './answer-query.ts';
import type { CheckpointFiles } from './index-checkpoint.ts';
import type { SearchWatch } from './search-probe.ts';
import { SlotMachine } from './slot-machine.ts';

const DIM = 16;
const KEYS = 1_600;
const slot = 0 as Slot;
const partition = 0 as Partition;
const spec = parseEmbeddingSpec({
  code: 1, tenant: 'default', name: 'e', model: 'm', dim: DIM, distance: 'l2', hnsw: { m: 8, efConstruction: 60, seed: 1 }, rabitq: { bits: 8, seed: 42, memory: 'codes' }, storage: 'f32', partitions: 1, replicas: 1,
});
const ref = { code: spec.code, partition };

let directory: string;
let engine: Engine;
let store: ShardStore;
let machine: SlotMachine;
let sequence: number;
/** All vectors that a key ever had, the newest last; its end where it was deleted. */
let history: Map<VectorKey, { readonly vector: Float32Array | undefined; readonly at: number }[]>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-codes-only-'));
  engine = await Engine.start({ memoryMaxBytes: 256 * 2 ** 20, searchThreadCount: 1 });
  store = await ShardStore.open({ directory: join(directory, 'store'), slots: 1 });
  sequence = 0;
  history = new Map();
  machine = await recover();
  await apply({ type: 'define', spec });
});

afterEach(async () => {
  await machine.close();
  await store.close();
  await engine.close();
  await rm(directory, { recursive: true });
});

function recover(): Promise<SlotMachine> {
  const checkpoints: CheckpointFiles = { pathOf: (file) => join(directory, file), remove: (file) => rm(join(directory, file), { force: true }) };
  return SlotMachine.recover({ slot, slots: 1, store, engine, timers, checkpoints }, new AbortController().signal);
}

async function apply(mutation: Record<string, unknown>): Promise<void> {
  sequence += 1;
  const operationId = sequence.toString(16).padStart(32, '0') as Mutation['operationId'];
  const bytes = encodeMutation({ ...mutation, operationId, ...ref } as Mutation);
  await machine.apply([{ sequence: sequence as Sequence, subject: SUBJECTS.mutation({ slot, ...ref }), timeMs: 0, bytes }]);
}

function vectorOf(x: number): Float32Array {
  return Float32Array.from({ length: DIM }, (_, i) => Math.sin(x * 12.9898 + i * 78.233) * 43.5 + (x % 7) * 5);
}

/** Upserts some keys, or deletes those that are a multiple of `deletes`. */
async function write(keys: readonly number[], deletes = Infinity): Promise<void> {
  const at = sequence + 1;
  const operations = keys.map((number): VectorOperation => {
    const key = `k${number}` as VectorKey;
    const vector = number % deletes === 0 ? undefined : vectorOf(at * 1_000 + number);
    history.set(key, [...(history.get(key) ?? []), { vector, at }]);
    return vector === undefined ? { type: 'delete', key } : { type: 'upsert', key, vector };
  });
  await apply({ type: 'write', dim: DIM, operations });
}

function distanceOf(a: Float32Array, b: Float32Array): number {
  return Math.hypot(...a.map((x, i) => x - (b[i] as number)));
}

/** Searches of the engine: more than were asked for where one had to be run again. */
let engineSearches = 0;
const counted: SearchWatch = {
  begun: () => ({
    engineAsked() {
      engineSearches += 1;
      return () => undefined;
    },
  }),
  answered: () => undefined,
};

async function search(vector: Float32Array, path: SearchItem['path'], k = 10): Promise<SearchAnswer> {
  const item: SearchItem = { code: spec.code, partition, vector, k, ef: 80, path, rerank: 0, after: 0 as Sequence, timeoutMs: 5_000, includeValues: false, includePayload: false };
  const { items: [answer] } = await answerQuery(machine, { type: 'search', items: [item] }, counted) as { items: readonly SearchAnswer[] };
  expect(answer).toMatchObject({ ok: true });
  return answer as SearchAnswer;
}

async function expectExact(): Promise<void> {
  const live = [...history].flatMap(([key, lives]) => {
    const vector = lives.at(-1)?.vector;
    return vector === undefined ? [] : [{ key, vector }];
  });
  let found = 0;
  for (let n = 0; n < 30; n += 1) {
    const query = vectorOf(n * 31 + 0.5);
    const truth = live.map(({ key, vector }) => ({ key, distance: distanceOf(query, vector) })).sort((a, b) => a.distance - b.distance).slice(0, 10);
    const flat = await search(query, 'flat');
    expect(flat.hits.map(({ key }) => key)).toEqual(truth.map(({ key }) => key));
    flat.hits.forEach(({ distance }, i) => expect(distance).toBeCloseTo(truth[i]?.distance ?? Number.NaN, 3));
    const { hits } = await search(query, 'auto');
    found += hits.filter(({ key }) => truth.some((true_) => true_.key === key)).length;
  }
  expect(found / 300).toBeGreaterThan(0.95);
}

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

it('answers exactly, and does so from rows and from a file after restarts', async () => {
  await write(range(0, 500));
  await expectExact();
  for (let key = 500; key < KEYS; key += 500) await write(range(key, Math.min(500, KEYS - key)));
  await write(range(100, 300), 5);
  await expectExact();
  await machine.close();
  machine = await recover();
  await expectExact();
  expect(await machine.checkpoint(() => true, new AbortController().signal)).toBeGreaterThan(0);
  expect((await readdir(directory)).filter((name) => name.endsWith('.index'))).toHaveLength(1);
  await write(range(0, 50), 3);
  await machine.close();
  machine = await recover();
  await expectExact();
  expect(machine.state.partition(ref)).toMatchObject({ checkpoint: { journaled: true } });
  await apply({ type: 'drop' });
  expect(engine.stats().indexCount).toBe(0);
}, 60_000);

it('gives each hit the distance of a vector that its key had while the search ran, however fast keys are replaced', async () => {
  for (let key = 0; key < KEYS; key += 400) await write(range(key, 400));
  const writing = new AbortController();
  engineSearches = 0;
  let searchCount = 0;
  const searching = Promise.all(Array.from({ length: 4 }, async (_, reader) => {
    while (!writing.signal.aborted) {
      const query = vectorOf(searchCount + reader * 0.25);
      const began = machine.appliedSequence;
      const { hits } = await search(query, searchCount % 5 === 0 ? 'flat' : 'auto');
      for (const { key, distance } of hits) {
        const lives = history.get(key) ?? [];
        const fits = lives.some(({ vector, at }, i) => vector !== undefined && (lives[i + 1]?.at ?? Infinity) > began && at <= sequence && Math.abs(distanceOf(query, vector) - distance) < 0.01);
        expect(fits, `${key} at ${distance}`).toBe(true);
      }
      searchCount += 1;
    }
  }));
  // Few keys again and again, so that nearly every search meets vectors that are gone when it reads them, and ids pass on.
  for (let round = 0; round < 150; round += 1) await write(range((round % 3) * 40, 40), round % 10 === 0 ? 4 : Infinity);
  writing.abort();
  await searching;
  expect(searchCount).toBeGreaterThan(20);
  expect(engineSearches).toBe(searchCount);
  await expectExact();
  // What was held for searches under way is let go.
  const active = machine.state.partition(ref);
  if (active?.state === 'active') {
    await active.index.quiesce();
    await new Promise((resolve) => { setImmediate(resolve); });
    expect(active.vectors?.heldCount).toBe(0);
  }
}, 60_000);

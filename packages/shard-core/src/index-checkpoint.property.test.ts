import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine, IndexFileError, type VectorEngine } from '@shoal/index';
import { systemTimers as timers } from '@shoal/pacing';
import { SUBJECTS, encodeMutation, parseEmbeddingSpec, type Mutation, type Partition, type SearchItem, type Sequence, type Slot, type VectorKey, type VectorOperation } from '@shoal/protocol';
import { ShardStore } from '@shoal/store';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { answerQuery } from './answer-query.ts';
import type { CheckpointFiles } from './index-checkpoint.ts';
import type { SlotMessage } from './read-message.ts';
import { SlotMachine } from './slot-machine.ts';

const DIM = 4;
const KEYS = 2_400;
const slot = 0 as Slot;
const partition = 0 as Partition;
const signal = new AbortController().signal;
const spec = parseEmbeddingSpec({
  code: 1, tenant: 'default', name: 'e', model: 'm', dim: DIM, distance: 'l2', hnsw: { m: 16, efConstruction: 100, seed: 1 }, rabitq: { bits: 8, seed: 42 }, storage: 'f32', partitions: 1, replicas: 1,
});
const ref = { code: spec.code, partition };

let engine: Engine;
/** Where recoveries took indexes from: read from files, refused files by their reasons, and built. */
let sources: string[];

beforeAll(async () => {
  engine = await Engine.start({ memoryMaxBytes: 256 * 2 ** 20, searchThreadCount: 1 });
});
afterAll(() => engine.close());
beforeEach(() => {
  sources = [];
});

/** The engine, noting where indexes come from. */
const watched: VectorEngine = {
  openIndex(index, vectors) {
    sources.push('built');
    return engine.openIndex(index, vectors);
  },
  stats: () => engine.stats(),
  close: () => engine.close(),
  async importIndex(index, path, vectors) {
    try {
      const read = await engine.importIndex(index, path, vectors);
      sources.push('read');
      return read;
    } catch (error) {
      sources.push(error instanceof IndexFileError ? error.reason : 'failed');
      throw error;
    }
  },
};

/** One slot with its log, as a shard would run it, and what it should hold. */
class Life {
  readonly expected = new Map<string, number>();
  readonly directory: string;
  readonly store: ShardStore;
  machine: SlotMachine;
  #sequence = 0;

  private constructor(directory: string, store: ShardStore, machine: SlotMachine) {
    this.directory = directory;
    this.store = store;
    this.machine = machine;
  }

  static async begin(): Promise<Life> {
    const directory = await mkdtemp(join(tmpdir(), 'shoal-checkpoints-'));
    const store = await ShardStore.open({ directory: join(directory, 'store'), slots: 1 });
    const life = new Life(directory, store, await Life.recovered(store, directory));
    await life.#apply({ type: 'define', spec });
    for (let key = 0; key < KEYS; key += 600) await life.write(key, 600, 1, false);
    return life;
  }

  static recovered(store: ShardStore, directory: string): Promise<SlotMachine> {
    const files: CheckpointFiles = { pathOf: (file) => join(directory, file), remove: (file) => rm(join(directory, file), { force: true }) };
    return SlotMachine.recover({ slot, slots: 1, store, engine: watched, timers, checkpoints: files }, signal);
  }

  /** Upserts of `count` keys from one on, every `stride`th, or deletes. */
  async write(from: number, count: number, stride: number, deletes: boolean): Promise<void> {
    const operations = Array.from({ length: count }, (_, i): VectorOperation => {
      const key = `k${(from + i * stride) % KEYS}` as VectorKey;
      if (deletes) {
        this.expected.delete(key);
        return { type: 'delete', key };
      }
      const x = this.#sequence * 10_000 + i;
      this.expected.set(key, x);
      return { type: 'upsert', key, vector: vectorOf(x) };
    });
    await this.#apply({ type: 'write', dim: DIM, operations });
  }

  drop(): Promise<void> {
    return this.#apply({ type: 'drop' });
  }

  async #apply(mutation: Record<string, unknown>): Promise<void> {
    this.#sequence += 1;
    const operationId = this.#sequence.toString(16).padStart(32, '0') as Mutation['operationId'];
    const bytes = encodeMutation({ ...mutation, operationId, ...ref } as Mutation);
    const message: SlotMessage = { sequence: this.#sequence as Sequence, subject: SUBJECTS.mutation({ slot, ...ref }), timeMs: 0, bytes };
    await this.machine.apply([message]);
  }

  async restart(): Promise<void> {
    await this.machine.close();
    this.machine = await Life.recovered(this.store, this.directory);
  }

  /** Names of the checkpoints' files. */
  async files(): Promise<string[]> {
    return (await readdir(this.directory)).filter((name) => name !== 'store');
  }

  /** Cuts every file off. */
  async damage(): Promise<void> {
    for (const name of await this.files()) await truncate(join(this.directory, name), 5_000);
  }

  checkpoint(): Promise<number> {
    return this.machine.checkpoint(() => true, signal);
  }

  async end(): Promise<void> {
    await this.machine.close();
    await this.store.close();
    await rm(this.directory, { recursive: true });
  }
}

function vectorOf(x: number): Float32Array {
  return new Float32Array([Math.sin(x) * 100, Math.cos(x * 1.7) * 100, x % 89, x % 1_000]);
}

async function search(machine: SlotMachine, vector: Float32Array, path: SearchItem['path']): Promise<{ key: string; distance: number }[]> {
  const item: SearchItem = { ...ref, vector, k: 10, ef: 80, path, rerank: 0, after: 0 as Sequence, timeoutMs: 5_000, includeValues: false, includePayload: false };
  const [answer] = (await answerQuery(machine, { type: 'search', items: [item] })).items;
  if (answer?.ok !== true || !('hits' in answer)) throw new Error('the search failed');
  return answer.hits.map(({ key, distance }) => ({ key, distance }));
}

/** Everything that should be there is found under its key at distance 0, nothing else is, and walks find what scans find. */
async function expectAsWritten({ machine, expected }: Life): Promise<void> {
  const state = machine.state.partition(ref);
  expect(state?.state === 'active' && state.index.stats().vectorCount).toBe(expected.size);
  let found = 0;
  let wanted = 0;
  for (const [n, [key, x]] of [...expected].entries()) {
    if (n % 29 !== 0) continue;
    const exact = await search(machine, vectorOf(x), 'flat');
    expect(exact[0]).toMatchObject({ key, distance: 0 });
    for (const hit of exact) expect(expected.has(hit.key)).toBe(true);
    const walked = await search(machine, vectorOf(x), 'auto');
    wanted += exact.length;
    found += walked.filter(({ distance }) => distance <= (exact.at(-1)?.distance ?? 0)).length;
  }
  expect(found).toBeGreaterThanOrEqual(wanted * 0.97);
}

async function contentOf(store: ShardStore): Promise<unknown[]> {
  const rows: unknown[] = [await store.slot(slot), await store.partitions(slot), await store.freedIds(ref)];
  for await (const page of store.scanVectors(ref)) rows.push(...page);
  for await (const page of store.scanKeys(ref)) rows.push(...page);
  return rows;
}

type Step =
  | { readonly type: 'write'; readonly from: number; readonly count: number; readonly stride: number; readonly deletes: boolean }
  | { readonly type: 'checkpoint'; readonly waits: boolean }
  | { readonly type: 'restart' }
  | { readonly type: 'damage' };

const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('write' as const), from: fc.nat(KEYS), count: fc.integer({ min: 50, max: 900 }), stride: fc.constantFrom(1, 7, 31), deletes: fc.nat(3).map((n) => n === 0) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('checkpoint' as const), waits: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('damage' as const) }) },
), { minLength: 6, maxLength: 16 });

async function run(life: Life, step: Step, pending: Promise<unknown>[]): Promise<void> {
  switch (step.type) {
    case 'write':
      return life.write(step.from, step.count, step.stride, step.deletes);
    case 'checkpoint':
      pending.push(life.checkpoint());
      if (step.waits) await Promise.all(pending.splice(0));
      return;
    case 'restart':
      await Promise.all(pending.splice(0));
      return life.restart();
    case 'damage':
      await Promise.all(pending.splice(0));
      return life.damage();
  }
}

describe('checkpoints of indexes', () => {
  it('whatever was written before, while and after they were taken, and whatever became of the files, a restart gives what was written', async () => {
    await fc.assert(fc.asyncProperty(steps, async (taken) => {
      const life = await Life.begin();
      const pending: Promise<unknown>[] = [];
      for (const step of taken) {
        // One at a time, as their caller promises.
        if (step.type === 'checkpoint') await Promise.all(pending.splice(0));
        await run(life, step, pending);
      }
      await Promise.all(pending);
      await life.restart();
      await expectAsWritten(life);
      await life.end();
    }), { numRuns: 8 });
  });

  it('are read at a restart, with what changed since, and the rows are those of a slot without them', async () => {
    const [life, plain] = [await Life.begin(), await Life.begin()];
    sources = [];
    expect(await life.checkpoint()).toBeGreaterThan(KEYS * 50);
    for (let round = 0; round < 6; round += 1) {
      const taking = round % 2 === 0 ? life.checkpoint() : undefined;
      for (const each of [life, plain]) {
        await each.write(round * 400, 500, 1, false);
        await each.write(round * 100, 40, 3, true);
      }
      await taking;
      await life.restart();
      expect(sources).toEqual(Array.from({ length: round + 1 }, () => 'read'));
      await expectAsWritten(life);
    }
    expect(await contentOf(life.store)).toEqual(await contentOf(plain.store));
    await plain.end();
    await life.end();
  });

  it('are left alone when nothing changed, replaced by the next, and removed with their partition', async () => {
    const life = await Life.begin();
    await life.checkpoint();
    expect(await life.checkpoint()).toBe(0);
    const [first] = await life.files();
    await life.write(0, 900, 1, false);
    expect(await life.checkpoint()).toBeGreaterThan(0);
    expect(await life.files()).toHaveLength(1);
    expect(await life.files()).not.toEqual([first]);
    await life.drop();
    expect(await life.files()).toEqual([]);
    expect(await life.store.checkpoint(ref)).toBeUndefined();
    await life.end();
  });

  it('whose file is gone, damaged or another one are built from the rows, and taken anew', async () => {
    const life = await Life.begin();
    sources = [];
    await life.checkpoint();
    await life.damage();
    await life.restart();
    await life.write(0, 300, 1, false);
    await life.checkpoint();
    for (const name of await life.files()) await rm(join(life.directory, name));
    await life.restart();
    expect(sources).toEqual(['it ends too early', 'built', 'it is missing', 'built']);
    await life.checkpoint();
    await life.restart();
    expect(sources.at(-1)).toBe('read');
    await expectAsWritten(life);
    await life.end();
  });

  it('end with their slot: one that is being written is given up, and leaves no file that counts', async () => {
    const life = await Life.begin();
    const taking = life.checkpoint();
    await life.restart();
    await taking;
    await expectAsWritten(life);
    await life.end();
  });
});

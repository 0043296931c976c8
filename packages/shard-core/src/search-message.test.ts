import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '@shoal/index';
import { FairGate, systemTimers as timers } from '@shoal/pacing';
import {
  SUBJECTS, encodeMutation, parseEmbeddingSpec, type ItemFailure, type Mutation, type Partition, type SearchAnswer, type SearchItem, type Sequence, type Slot, type VectorKey, type VectorOperation,
} from '@shoal/protocol';
import { ShardStore } from '@shoal/store';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerQuery } from './answer-query.ts';
import { PACE } from './limits.ts';
import type { SlotMessage } from './read-message.ts';
import type { SearchWatch } from './search-probe.ts';
import { SlotMachine } from './slot-machine.ts';

const DIM = 8;
const VECTORS = 600;
const PLACES = 4;
const slot = 0 as Slot;
const partition = 0 as Partition;
const specOf = (code: number) => parseEmbeddingSpec({
  code, tenant: `tenant-${code % 2}`, name: `e${code}`, model: 'm', dim: DIM, distance: 'l2', hnsw: { m: 8, efConstruction: 40, seed: 1 },
  // The third keeps codes alone in memory.
  rabitq: { bits: 8, seed: 42, ...(code === 3 ? { memory: 'codes' } : {}) }, storage: 'f32', partitions: 1, replicas: 1,
});

let sequence = 0;
function message(mutation: { readonly type: 'define' | 'drop' } | { readonly type: 'write'; readonly operations: readonly VectorOperation[] }, code: number): SlotMessage {
  sequence += 1;
  const spec = specOf(code);
  const head = { operationId: sequence.toString(16).padStart(32, '0') as Mutation['operationId'], code: spec.code, partition };
  const bytes = encodeMutation(mutation.type === 'write' ? { ...head, type: 'write', dim: DIM, operations: mutation.operations } : mutation.type === 'define' ? { ...head, type: 'define', spec } : { ...head, type: 'drop' });
  return { sequence: sequence as Sequence, subject: SUBJECTS.mutation({ slot, code: spec.code, partition }), timeMs: 0, bytes };
}

/** Numbers that look random and are equal for equal seeds. */
const noise = (seed: number): Float32Array => Float32Array.from({ length: DIM }, (_, i) => Math.sin(seed * 78.233 + i * 12.9898) * 100);

let engine: Engine;
let directory: string;
let store: ShardStore;
let gate: FairGate;
let machine: SlotMachine;

beforeAll(async () => {
  engine = await Engine.start({ memoryMaxBytes: 128 * 2 ** 20, searchThreadCount: 1 });
  directory = await mkdtemp(join(tmpdir(), 'shoal-search-message-'));
  store = await ShardStore.open({ directory, slots: 1 });
  gate = new FairGate({ places: PLACES, placesPerTenant: PLACES, waiting: 1_000, waitMs: 10_000, quantum: 1, costMaximum: 64, subject: 'searches', timers });
  machine = await SlotMachine.recover({ slot, slots: 1, store, engine, timers, searchGate: gate }, new AbortController().signal);
  await machine.apply([1, 2, 3, 4].map((code) => message({ type: 'define' }, code)));
  // The first has a graph; the second is small and scanned.
  for (const [code, count] of [[1, VECTORS], [2, 20], [3, VECTORS]] as const) {
    const operations = Array.from({ length: count }, (_, id): VectorOperation => ({ type: 'upsert', key: `${code}-${id}` as VectorKey, vector: noise(id + code * 10_000) }));
    for (let from = 0; from < count; from += 200) await machine.apply([message({ type: 'write', operations: operations.slice(from, from + 200) }, code)]);
  }
  await machine.apply([message({ type: 'drop' }, 4)]);
});
afterAll(async () => {
  await machine.close();
  await store.close();
  await engine.close();
  await rm(directory, { recursive: true });
});

const item = fc.record({
  code: fc.constantFrom(1, 1, 1, 2, 3, 4, 9), query: fc.nat(500), dim: fc.constantFrom(DIM, DIM, DIM, DIM + 1), k: fc.constantFrom(3, 5), ef: fc.constantFrom(20, 60),
  path: fc.constantFrom('auto' as const, 'exact' as const, 'flat' as const), rerank: fc.constantFrom(0, 3), includeValues: fc.constantFrom(false, false, true),
  maxDistance: fc.option(fc.double({ min: 0, max: 300, noNaN: true }), { nil: undefined }), ahead: fc.constantFrom(0, 0, 0, 1),
});
function itemOf({ code, query, dim, ahead, maxDistance, ...rest }: typeof item extends fc.Arbitrary<infer Shape> ? Shape : never): SearchItem {
  return {
    ...rest, code: specOf(code).code, partition, vector: Float32Array.from({ length: dim }, (_, i) => noise(query)[i % DIM] as number),
    after: (machine.appliedSequence + ahead) as Sequence, timeoutMs: 1, includePayload: false, ...(maxDistance === undefined ? {} : { maxDistance }),
  };
}

const search = async (items: readonly SearchItem[], watch?: SearchWatch): Promise<readonly (SearchAnswer | ItemFailure)[]> => (
  (await answerQuery(machine, { type: 'search', items }, watch)).items as readonly (SearchAnswer | ItemFailure)[]);

describe('the searches of one message', () => {
  it('are answered as if each had come alone', async () => {
    await fc.assert(fc.asyncProperty(fc.array(item, { minLength: 1, maxLength: 40 }), async (shapes) => {
      const items = shapes.map(itemOf);
      const alone = [];
      for (const each of items) alone.push((await search([each]))[0]);
      expect(await search(items)).toEqual(alone);
      expect([gate.inside, gate.waiting]).toEqual([0, 0]);
    }), { numRuns: 60 });
  });

  it('are watched each, and seen in the engine when they get there', async () => {
    const items = Array.from({ length: PACE.searchesTogether + 3 }, (_, query) => itemOf({ code: 1, query, dim: DIM, k: 3, ef: 20, path: 'auto', rerank: 0, includeValues: false, maxDistance: undefined, ahead: 0 }));
    const seen = { begun: 0, asked: 0, found: [] as number[], answered: [] as SearchItem[] };
    const answers = await search(items, {
      begun: () => {
        seen.begun += 1;
        return { engineAsked: () => { seen.asked += 1; return ({ found }) => { seen.found.push(found.ids.length); }; } };
      },
      answered: (answered, answer) => { expect(answer.ok).toBe(true); seen.answered.push(answered); },
    });
    expect(answers).toHaveLength(items.length);
    expect(seen).toMatchObject({ begun: items.length, asked: items.length, found: items.map(() => 3) });
    expect(new Set(seen.answered)).toEqual(new Set(items));
  });

  it('are failed together, and give back their places, where the engine takes no more', async () => {
    const closing = await Engine.start({ memoryMaxBytes: 32 * 2 ** 20, searchThreadCount: 1 });
    const index = await closing.openIndex({ dim: DIM, distance: 'l2', m: 8, efConstruction: 40, seed: 1 });
    await closing.close();
    const active = machine.state.partition({ code: specOf(2).code, partition });
    if (active?.state !== 'active') throw new Error('it is there');
    const { searchMany } = active.index;
    active.index.searchMany = index.searchMany.bind(index);
    try {
      const items = [1, 2, 3].map((query) => itemOf({ code: 2, query, dim: DIM, k: 3, ef: 20, path: 'auto', rerank: 0, includeValues: false, maxDistance: undefined, ahead: 0 }));
      expect(await search(items)).toMatchObject(items.map(() => ({ ok: false, error: 'slot_unavailable' })));
      expect([gate.inside, gate.waiting]).toEqual([0, 0]);
    } finally {
      active.index.searchMany = searchMany;
    }
  });
});

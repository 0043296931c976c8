import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '@shoal/index';
import { SUBJECTS, decodeOutcomes, encodeMutation, parseEmbeddingSpec, slotOf, type Mutation, type Outcome, type Partition, type SearchItem, type Sequence, type Slot, type VectorKey, type VectorOperation } from '@shoal/protocol';
import { ShardStore } from '@shoal/store';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerQuery } from './answer-query.ts';
import type { SlotMessage } from './read-message.ts';
import { SlotMachine } from './slot-machine.ts';
import { systemTimers as timers } from '@shoal/pacing';

const SLOTS = 1;
const DIM = 4;
const slot = 0 as Slot;
const partition = 0 as Partition;

function specOf(code: number) {
  return parseEmbeddingSpec({
    code,
    tenant: 'default',
    name: `e${code}`,
    model: 'm',
    dim: DIM,
    distance: 'l2',
    hnsw: { m: 8, efConstruction: 40, seed: 1 },
    // The second embedding's index keeps codes alone.
    rabitq: { bits: 4, seed: 42, ...(code === 2 ? { memory: 'codes' } : {}) },
    storage: 'f32',
    partitions: 1,
    replicas: 1,
  });
}

type Step =
  | { type: 'define'; code: number }
  | { type: 'drop'; code: number }
  | { type: 'garbage'; bytes: Uint8Array }
  | { type: 'write'; code: number; repeat: boolean; operations: { type: 'upsert' | 'insert' | 'delete'; key: number; x: number }[] };

const code = fc.constantFrom(1, 2, 3);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ type: fc.constant('define' as const), code }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('drop' as const), code: fc.constant(3) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('garbage' as const), bytes: fc.uint8Array({ maxLength: 40 }) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      code,
      repeat: fc.boolean(),
      operations: fc.array(fc.record({ type: fc.constantFrom('upsert' as const, 'insert' as const, 'delete' as const), key: fc.nat(12), x: fc.integer({ min: -50, max: 50 }) }), { minLength: 1, maxLength: 8 }),
    }),
  },
);

/** The state that the messages describe, kept as plain maps. */
class Oracle {
  readonly embeddings = new Map<number, Map<string, number> | 'dropped'>();
  readonly outcomes = new Map<number, readonly Outcome[]>();
  setAsideCount = 0;

  write(sequence: number, step: Step & { type: 'write' }): void {
    const vectors = this.embeddings.get(step.code);
    if (vectors === undefined) this.setAsideCount += 1;
    this.outcomes.set(sequence, step.operations.map((operation): Outcome => {
      if (vectors === undefined) return 'embedding_unknown';
      if (vectors === 'dropped') return 'embedding_dropped';
      const key = `k${operation.key}`;
      const present = vectors.has(key);
      if (operation.type === 'delete') return vectors.delete(key) ? 'deleted' : 'absent';
      if (present && operation.type === 'insert') return 'exists';
      vectors.set(key, operation.x);
      return present ? 'replaced' : 'created';
    }));
  }
}

function vectorOf(x: number): Float32Array {
  return new Float32Array([x, x / 2, 1, 0]);
}

function encode(step: Step, operationNumber: number): { bytes: Uint8Array; subject: string } {
  if (step.type === 'garbage') return { bytes: step.bytes, subject: 'shoal.mut.0.1.0' };
  const head = { operationId: operationNumber.toString(16).padStart(32, '0') as Mutation['operationId'], code: specOf(step.code).code, partition };
  const subject = SUBJECTS.mutation({ slot, code: head.code, partition });
  if (step.type === 'define') return { bytes: encodeMutation({ ...head, type: 'define', spec: specOf(step.code) }), subject };
  if (step.type === 'drop') return { bytes: encodeMutation({ ...head, type: 'drop' }), subject };
  const operations = step.operations.map((operation): VectorOperation => {
    const key = `k${operation.key}` as VectorKey;
    return operation.type === 'delete' ? { type: 'delete', key } : { type: operation.type, key, vector: vectorOf(operation.x) };
  });
  return { bytes: encodeMutation({ ...head, type: 'write', dim: DIM, operations }), subject };
}

/** Messages as a log would hold them (sequences ascend with gaps; some are repeated under the same operation id), and what they mean. */
function scenario(steps: readonly Step[]): { messages: SlotMessage[]; oracle: Oracle } {
  const oracle = new Oracle();
  const messages: SlotMessage[] = [];
  let sequence = 0;
  for (const [number, current] of steps.entries()) {
    sequence += 1 + (number % 3);
    const { bytes, subject } = encode(current, number);
    messages.push({ sequence: sequence as Sequence, subject, timeMs: number, bytes });
    if (current.type === 'garbage') oracle.setAsideCount += 1;
    else if (current.type === 'define') oracle.embeddings.set(current.code, oracle.embeddings.get(current.code) ?? new Map());
    else if (current.type === 'drop') {
      if (oracle.embeddings.has(current.code)) oracle.embeddings.set(current.code, 'dropped');
    } else {
      oracle.write(sequence, current);
      const known = oracle.embeddings.has(current.code);
      if (current.repeat && known) {
        messages.push({ sequence: (sequence + 1) as Sequence, subject, timeMs: number, bytes });
        oracle.outcomes.set(sequence + 1, oracle.outcomes.get(sequence) ?? []);
        sequence += 1;
      }
    }
  }
  return { messages, oracle };
}

function cut<Item>(items: readonly Item[], sizes: readonly number[]): Item[][] {
  const groups: Item[][] = [];
  let at = 0;
  for (let index = 0; at < items.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    groups.push(items.slice(at, at + size));
    at += size;
  }
  return groups;
}

let engine: Engine;
let directory: string;
let storeCount = 0;

beforeAll(async () => {
  engine = await Engine.start({ memoryMaxBytes: 256 * 2 ** 20, searchThreadCount: 1 });
  directory = await mkdtemp(join(tmpdir(), 'shoal-slot-'));
});

afterAll(async () => {
  await engine.close();
  await rm(directory, { recursive: true });
});

function openStore(): Promise<ShardStore> {
  storeCount += 1;
  return ShardStore.open({ directory: join(directory, String(storeCount)), slots: SLOTS });
}

function recover(store: ShardStore): Promise<SlotMachine> {
  return SlotMachine.recover({ slot, slots: SLOTS, store, engine, timers }, new AbortController().signal);
}

function searchItem(searched: number, x: number, k: number): SearchItem {
  return { code: specOf(searched).code, partition, vector: vectorOf(x), k, ef: 100, path: 'flat', rerank: 1, after: 0 as Sequence, timeoutMs: 1_000, includeValues: true, includePayload: false };
}

async function expectEqualToOracle(machine: SlotMachine, oracle: Oracle): Promise<void> {
  expect(machine.state.setAsideCount).toBe(oracle.setAsideCount);
  for (const [embedding, vectors] of oracle.embeddings) {
    const response = await answerQuery(machine, { type: 'search', items: [searchItem(embedding, 0, 50)] });
    const answer = response.items[0];
    if (vectors === 'dropped') {
      expect(answer).toMatchObject({ ok: false, error: 'embedding_dropped' });
      continue;
    }
    const hits = answer?.ok === true && 'hits' in answer ? answer.hits : undefined;
    expect(new Map(hits?.map((hit) => [hit.key, hit.values?.[0]]))).toEqual(vectors);
    expect(hits?.length).toBe(vectors.size);
    for (const hit of hits ?? []) expect(hit.distance).toBeCloseTo(Math.hypot(hit.values?.[0] ?? 0, (hit.values?.[0] ?? 0) / 2), 3);
  }
  for (const [sequence, outcomes] of oracle.outcomes) {
    const remembered = machine.state.recent.at(sequence as Sequence);
    expect(remembered && decodeOutcomes(remembered.outcomes)).toEqual(outcomes);
  }
}

async function rowsOf(store: ShardStore): Promise<unknown> {
  const rows: unknown[] = [await store.slot(slot), await store.partitions(slot), await store.recentOperations(slot), await store.setAside(slot, 1_000)];
  for (const embedding of [1, 2, 3]) {
    const ref = { code: specOf(embedding).code, partition };
    for await (const page of store.scanVectors(ref)) rows.push(...page);
    for await (const page of store.scanKeys(ref)) rows.push(...page);
    rows.push(await store.freedIds(ref));
  }
  return rows;
}

describe('SlotMachine', () => {
  it('holds what its messages say, with restarts anywhere and messages delivered again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 }), async (steps, sizes) => {
        const { messages, oracle } = scenario(steps);
        const store = await openStore();
        let machine = await recover(store);
        for (const [index, group] of cut(messages, sizes).entries()) {
          await machine.apply(group);
          if (index % 3 === 2) {
            await machine.close();
            machine = await recover(store);
            // What was applied before the restart comes once more and must change nothing.
            await machine.apply(group);
          }
        }
        await expectEqualToOracle(machine, oracle);
        await machine.close();
        await store.close();
      }),
      { numRuns: 25 },
    );
  });

  it('leaves the same rows whatever the grouping of its messages', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), async (steps, sizes) => {
        const { messages } = scenario([{ type: 'define', code: 1 }, ...steps]);
        const [one, other] = [await openStore(), await openStore()];
        const [first, second] = [await recover(one), await recover(other)];
        for (const message of messages) await first.apply([message]);
        for (const group of cut(messages, sizes)) await second.apply(group);
        expect(await rowsOf(other)).toEqual(await rowsOf(one));
        for (const machine of [first, second]) await machine.close();
        for (const store of [one, other]) await store.close();
      }),
      { numRuns: 15 },
    );
  });

  it('leaves the same rows when each group is given while those before it are on their way, and tells in order what is applied', async () => {
    // Most groups name other keys than those before them, and some the same.
    const write = fc.array(fc.record({ type: fc.constantFrom('upsert' as const, 'upsert' as const, 'insert' as const, 'delete' as const), key: fc.nat(45), x: fc.nat(90) }), { minLength: 1, maxLength: 4 });
    const writes = fc.array(fc.record({ type: fc.constant('write' as const), code: fc.constantFrom(1, 2), repeat: fc.boolean(), operations: write }), { minLength: 5, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(writes, fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1 }), async (steps, sizes) => {
        const { messages, oracle } = scenario([{ type: 'define', code: 1 }, { type: 'define', code: 2 }, ...steps]);
        const [one, other] = [await openStore(), await openStore()];
        const [first, second] = [await recover(one), await recover(other)];
        for (const message of messages) await first.apply([message]);
        const told: Promise<Sequence>[] = [];
        for (const group of cut(messages, sizes).filter(({ length }) => length > 0)) {
          const { applied } = await second.applyAhead(group);
          told.push(applied.then(() => group.at(-1)?.sequence ?? (0 as Sequence)));
          const { items } = await answerQuery(second, { type: 'search', items: [searchItem(1, 0, 5)] });
          expect(items[0]?.ok).toBe(true);
        }
        const last = messages.at(-1)?.sequence;
        expect(await told.at(-1)).toBe(last);
        expect([second.appliedSequence, (await other.slot(slot))?.appliedSequence]).toEqual([last, last]);
        expect(await rowsOf(other)).toEqual(await rowsOf(one));
        await expectEqualToOracle(second, oracle);
        for (const machine of [first, second]) await machine.close();
        for (const store of [one, other]) await store.close();
      }),
      { numRuns: 15 },
    );
  });

  it.each([1, 2])('recycles ids under long churn of few keys and stays exact, embedding %i', async (churned) => {
    const steps: Step[] = [{ type: 'define', code: churned }];
    for (let round = 0; round < 900; round += 1) {
      const operations = Array.from({ length: 8 }, (_, index) => ({ type: (round + index) % 5 === 0 ? ('delete' as const) : ('upsert' as const), key: (round * 3 + index) % 13, x: round % 97 }));
      steps.push({ type: 'write', code: churned, repeat: false, operations });
    }
    const { messages, oracle } = scenario(steps);
    const store = await openStore();
    const machine = await recover(store);
    for (const group of cut(messages, [50])) await machine.apply(group);
    await expectEqualToOracle(machine, oracle);
    const [record] = await store.partitions(slot);
    // 900 rounds of about 6 upserts would use 5,700 ids; the grace period bounds them.
    expect(record?.record.nextId).toBeLessThan(2_100);
    await machine.close();
    await store.close();
  });

  it('makes a reader wait for a sequence, and fails it at the deadline', async () => {
    const { messages } = scenario([{ type: 'define', code: 1 }, { type: 'write', code: 1, repeat: false, operations: [{ type: 'upsert', key: 1, x: 5 }] }]);
    const store = await openStore();
    const machine = await recover(store);
    const last = messages.at(-1)?.sequence ?? (0 as Sequence);
    const early = answerQuery(machine, { type: 'search', items: [{ ...searchItem(1, 0, 5), after: last, timeoutMs: 20 }] });
    expect((await early).items).toMatchObject([{ ok: false, error: 'receipt_timeout' }]);
    const patient = answerQuery(machine, { type: 'search', items: [{ ...searchItem(1, 0, 5), after: last, timeoutMs: 10_000 }] });
    const outcome = answerQuery(machine, { type: 'await-applied', items: [{ sequence: last, timeoutMs: 10_000 }] });
    await machine.apply(messages);
    expect((await patient).items).toMatchObject([{ ok: true, appliedSequence: last, hits: [{ key: 'k1' }] }]);
    expect((await outcome).items).toMatchObject([{ ok: true, outcomes: ['created'] }]);
    await machine.close();
    await store.close();
  });

  it('sets aside a message that lies in the wrong slot or under the wrong subject', async () => {
    const store = await openStore();
    const machine = await recover(store);
    const { bytes } = encode({ type: 'define', code: 1 }, 0);
    await machine.apply([{ sequence: 1 as Sequence, subject: 'shoal.mut.0.2.0', timeMs: 0, bytes }]);
    expect(machine.state.partitions.size).toBe(0);
    const [aside] = await store.setAside(slot, 10);
    expect(aside?.record.reason).toBe('misplaced_message');
    expect(aside?.record.bytes).toEqual(Uint8Array.from(bytes));
    expect(slotOf(specOf(1).code, partition, 7)).not.toBe(slotOf(specOf(2).code, partition, 7));
    await machine.close();
    await store.close();
  });
});

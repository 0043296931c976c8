/** Payloads, filters, conditions and idempotency keys of one slot against a plain Map, with restarts anywhere. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '@shoal/index';
import { decodeMessageOutcomes, filterBytes, parseFilter, type FilterJson, type Partition, type ScrolledVector, type SearchItem, type Sequence, type VectorKey } from '@shoal/protocol';
import { ShardStore } from '@shoal/store';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerQuery } from './answer-query.ts';
import { SlotMachine } from './slot-machine.ts';
import { PayloadOracle } from './testing/payload-oracle.ts';
import { ALL_FIELDS, FIRST_FIELDS, SLOT, SPEC, lateFilter, steps, type Step } from './testing/payload-scenarios.ts';
import { systemTimers as timers } from '@shoal/pacing';

let engine: Engine;
let directory: string;
let storeCount = 0;

beforeAll(async () => {
  engine = await Engine.start({ memoryMaxBytes: 256 * 2 ** 20, searchThreadCount: 1 });
  directory = await mkdtemp(join(tmpdir(), 'shoal-payloads-'));
});

afterAll(async () => {
  await engine.close();
  await rm(directory, { recursive: true });
});

const openStore = (): Promise<ShardStore> => ShardStore.open({ directory: join(directory, String((storeCount += 1))), slots: 1 });
const recover = (store: ShardStore): Promise<SlotMachine> => SlotMachine.recover({ slot: SLOT, slots: 1, store, engine, timers }, new AbortController().signal);

const question = { code: SPEC.code, partition: 0 as Partition, after: 0 as Sequence, timeoutMs: 10_000 };
const filterPart = (json: FilterJson | undefined) => (json === undefined ? {} : { filter: filterBytes(parseFilter(json, ALL_FIELDS), ALL_FIELDS) });

/** Before the later fields are declared. */
const earlyFilterPart = (json: FilterJson) => ({ filter: filterBytes(parseFilter(json, FIRST_FIELDS), FIRST_FIELDS) });

async function scroll(machine: SlotMachine, json: FilterJson | undefined, limit: number): Promise<ScrolledVector[]> {
  const found: ScrolledVector[] = [];
  let afterKey: VectorKey | undefined;
  do {
    const { items: [answer] } = await answerQuery(machine, { type: 'scroll', items: [{ ...question, ...filterPart(json), limit, includeValues: true, includePayload: true, ...(afterKey === undefined ? {} : { afterKey }) }] });
    if (answer?.ok !== true || !('vectors' in answer)) throw new Error(JSON.stringify(answer));
    found.push(...answer.vectors);
    afterKey = answer.scannedTo;
  } while (afterKey !== undefined);
  return found;
}

async function expectEqual(machine: SlotMachine, oracle: PayloadOracle, filters: readonly (FilterJson | undefined)[]): Promise<void> {
  for (const json of [undefined, ...filters]) {
    const expected = oracle.passing(json);
    const scrolled = await scroll(machine, json, 3);
    expect(scrolled.map(({ key }) => key)).toEqual(expected);
    for (const { key, sequence, payload, values } of scrolled) {
      const stored = oracle.vectors.get(key);
      expect({ sequence, payload: payload && Buffer.from(payload).toString() }).toEqual({ sequence: stored?.sequence, payload: stored?.payload && Buffer.from(stored.payload).toString() });
      expect(values).toEqual(Float32Array.of(Number(key.slice(1)), 1));
    }
    const { items: [counted] } = await answerQuery(machine, { type: 'count', items: [{ ...question, ...filterPart(json) }] });
    expect(counted).toMatchObject({ ok: true, count: expected.length });
    const search: SearchItem = { ...question, ...filterPart(json), vector: Float32Array.of(0, 1), k: 20, ef: 100, path: 'auto', rerank: 0, includeValues: false, includePayload: true };
    const { items: [answer] } = await answerQuery(machine, { type: 'search', items: [search] });
    const keys = answer?.ok === true && 'hits' in answer ? answer.hits.map(({ key }) => key) : answer;
    // Distances from (0, 1) are the numbers of the keys, so nearest first is the order of the keys.
    expect(keys).toEqual(expected);
  }
  for (const [sequence, outcome] of oracle.outcomes) {
    const remembered = machine.state.recent.at(sequence as Sequence);
    const decoded = remembered && decodeMessageOutcomes(remembered.outcomes);
    expect(decoded?.type === 'items' ? decoded.outcomes : decoded?.deleted).toEqual(outcome);
  }
}

async function rowsOf(store: ShardStore): Promise<unknown> {
  const ref = { code: SPEC.code, partition: 0 as Partition };
  const rows: unknown[] = [await store.slot(SLOT), await store.partitions(SLOT), await store.recentOperations(SLOT), await store.setAside(SLOT, 100), await store.freedIds(ref)];
  for await (const page of store.scanVectors(ref)) rows.push(...page);
  for await (const page of store.scanKeys(ref)) rows.push(...page);
  rows.push(await store.payloadsFrom(ref, 0 as never, 10_000));
  const { idempotencyHead = 0, idempotencyTail = 0 } = (await store.slot(SLOT)) ?? {};
  rows.push(await store.idempotencyEntries(SLOT, idempotencyHead, idempotencyTail));
  return rows;
}

function cut<Item>(items: readonly Item[], sizes: readonly number[]): Item[][] {
  const groups: Item[][] = [];
  for (let at = 0, index = 0; at < items.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    groups.push(items.slice(at, at + size));
    at += size;
  }
  return groups;
}

const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 });

describe('a slot with payloads', () => {
  it('holds, counts, scrolls and searches what its messages say, with restarts anywhere and messages delivered again', async () => {
    await fc.assert(
      fc.asyncProperty(steps, sizes, fc.array(lateFilter, { minLength: 4, maxLength: 4 }), async (history, cuts, filters) => {
        const oracle = new PayloadOracle(history);
        const store = await openStore();
        let machine = await recover(store);
        for (const [index, group] of cut(oracle.messages, cuts).entries()) {
          await machine.apply(group);
          if (index % 3 !== 2) continue;
          await machine.close();
          machine = await recover(store);
          await machine.apply(group);
        }
        await expectEqual(machine, oracle, filters);
        expect(await store.scanSlot(SLOT, async () => undefined)).toMatchObject({ appliedSequence: machine.appliedSequence });
        const { digest } = machine.state;
        await machine.close();
        machine = await recover(store);
        await expectEqual(machine, oracle, filters);
        expect(machine.state.digest).toBe(digest);
        await machine.close();
        await store.close();
      }),
      { numRuns: 30 },
    );
  });

  it('leaves the same rows whatever the grouping of its messages', async () => {
    await fc.assert(
      fc.asyncProperty(steps, sizes, async (history, cuts) => {
        const { messages } = new PayloadOracle(history);
        const [one, other] = [await openStore(), await openStore()];
        const [first, second] = [await recover(one), await recover(other)];
        for (const message of messages) await first.apply([message]);
        for (const group of cut(messages, cuts)) await second.apply(group);
        expect(await rowsOf(other)).toEqual(await rowsOf(one));
        expect(second.state.digest).toBe(first.state.digest);
        for (const machine of [first, second]) await machine.close();
        for (const store of [one, other]) await store.close();
      }),
      { numRuns: 20 },
    );
  });

  it('misses no key that passes before and after a write, in searches, counts and scrolls that run meanwhile', async () => {
    const store = await openStore();
    const machine = await recover(store);
    const keys = Array.from({ length: 300 }, (_, number) => number % 10);
    const upsert = (key: number): Step => ({ type: 'write', keyed: 'no', changes: [{ type: 'upsert', key, payload: { colour: 'red' }, condition: 'none' }, { type: 'merge_payload', key: (key + 1) % 10, payload: { year: key % 5 }, condition: 'none' }] });
    const { messages } = new PayloadOracle([...Array.from({ length: 10 }, (_, key) => upsert(key)), ...keys.map(upsert)]);
    const first = messages.findIndex(({ sequence }) => sequence > (messages[11]?.sequence ?? 0));
    await machine.apply(messages.slice(0, first));
    const filters: readonly FilterJson[] = [{ field: 'colour', equals: 'red' }, { key_in: Array.from({ length: 10 }, (_, key) => `k${key}`) }];
    const all = Array.from({ length: 10 }, (_, key) => `k${key}`);
    let underWay = true;
    const writing = (async () => {
      for (const group of cut(messages.slice(first), [7])) await machine.apply(group);
      underWay = false;
    })();
    let rounds = 0;
    const isWriting = (): boolean => underWay;
    while (isWriting()) {
      for (const json of filters) {
        const search: SearchItem = { ...question, ...earlyFilterPart(json), vector: Float32Array.of(0, 1), k: 20, ef: 100, path: 'auto', rerank: 0, includeValues: false, includePayload: false };
        const [{ items: [found] }, { items: [counted] }] = await Promise.all([
          answerQuery(machine, { type: 'search', items: [search] }),
          answerQuery(machine, { type: 'count', items: [{ ...question, ...earlyFilterPart(json) }] }),
        ]);
        expect(found?.ok === true && 'hits' in found ? found.hits.map(({ key }) => key) : found).toEqual(all);
        expect(counted).toMatchObject({ count: 10 });
      }
      rounds += 1;
    }
    await writing;
    expect(rounds).toBeGreaterThan(0);
    expect((await scroll(machine, filters[0], 3)).map(({ key }) => key)).toEqual(all);
    await machine.close();
    await store.close();
  });
});

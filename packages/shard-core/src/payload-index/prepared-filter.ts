/** Filters on the way to an answer: parsed, their fields filled, their keys looked up; then evaluated in one turn of the event loop. */
import assert from 'node:assert';
import { parseFilterBytes, type DeclaredFields, type Filter, type KeysFilter, type VecId, type VectorKey } from '@shoal/protocol';
import type { ShardStore } from '@shoal/store';
import type { ActivePartition } from '../partition-state.ts';
import { intersect, setBit, subtract, unite } from './dense-bits.ts';

type KeyIds = ReadonlyMap<KeysFilter, readonly VecId[]>;

export interface PreparedFilter {
  readonly filter: Filter;
  readonly text: string;
  readonly keyIds: KeyIds;
}

/** The names of the fields that a filter reads. */
export function fieldsOf(filter: Filter): readonly string[] {
  switch (filter.type) {
    case 'keys':
      return [];
    case 'combined':
      return [...new Set([...filter.must, ...filter.should, ...filter.mustNot].flatMap(fieldsOf))];
    default:
      return [filter.field];
  }
}

function keysOf(filter: Filter): readonly KeysFilter[] {
  if (filter.type === 'keys') return [filter];
  return filter.type === 'combined' ? [...filter.must, ...filter.should, ...filter.mustNot].flatMap(keysOf) : [];
}

/**
 * Parses a filter, waits for its fields by `ready`, and finds the ids of its keys. To be evaluated before anything else is awaited.
 * Throws what `parseFilter` and `ready` throw.
 */
export async function prepareFilter(partition: ActivePartition, store: ShardStore, bytes: Uint8Array, ready: (names: readonly string[]) => Promise<void>): Promise<PreparedFilter> {
  const declared: DeclaredFields = partition.spec.fields;
  const filter = parseFilterBytes(bytes, declared);
  await ready(fieldsOf(filter));
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  return { filter, text, keyIds: await findKeys(partition, store, keysOf(filter)) };
}

/**
 * The ids of keys. A key that is replaced while the store is read has two, of which the engine's view tells the living one; the
 * store may give an id that was freed and given to another key meanwhile, which its key tells.
 */
async function findKeys({ ref, payloads, keys: keyTable }: ActivePartition, store: ShardStore, filters: readonly KeysFilter[]): Promise<KeyIds> {
  if (filters.length === 0) return new Map();
  const wanted = new Set(filters.flatMap(({ keys }) => keys));
  const arrived = new Map<VectorKey, VecId[]>();
  const stop = payloads.onArrival((key, id) => {
    if (wanted.has(key)) arrived.set(key, [...(arrived.get(key) ?? []), id]);
  });
  try {
    const keys = [...wanted];
    const stored = await store.findIds(ref, keys);
    const idsOf = new Map<VectorKey, readonly VecId[]>();
    keys.forEach((key, index) => {
      const id = stored[index];
      const known = id !== undefined && payloads.has(id) && keyTable.get(id) === key ? [id] : [];
      idsOf.set(key, [...known, ...(arrived.get(key) ?? [])]);
    });
    return new Map(filters.map((filter) => [filter, filter.keys.flatMap((key) => idsOf.get(key) ?? [])]));
  } finally {
    stop();
  }
}

/** The ids that pass, as a dense set. `settledOnly` leaves out what a run under way adds: then it is the state at the applied sequence. */
export function evaluateFilter({ payloads }: ActivePartition, { filter, keyIds }: PreparedFilter, settledOnly: boolean): Uint32Array<ArrayBuffer> {
  const ids = payloads.ids(settledOnly);
  const { wordCount } = payloads;
  const evaluate = (one: Filter): Uint32Array => {
    const into = new Uint32Array(wordCount);
    switch (one.type) {
      case 'keys':
        for (const id of keyIds.get(one) ?? []) if (payloads.has(id)) setBit(into, id);
        // A run may have begun since the keys were looked up.
        for (const key of one.keys) {
          const id = payloads.pendingId(key);
          if (id !== undefined) setBit(into, id);
        }
        return into;
      case 'combined':
        return combine(one.must.map(evaluate), one.should.map(evaluate), one.mustNot.map(evaluate));
      default: {
        const index = payloads.field(one.field);
        assert(index !== undefined, 'the parser has seen to it that the field is declared');
        if (one.type === 'any_of') index.anyOf(one.values, into);
        else if (one.type === 'range') index.range(one, into);
        else index.exists(into);
        if (one.type === 'exists' && !one.exists) invert(into);
        return into;
      }
    }
  };
  const combine = (must: readonly Uint32Array[], should: readonly Uint32Array[], mustNot: readonly Uint32Array[]): Uint32Array => {
    const into = ids.slice();
    for (const words of must) intersect(into, words);
    if (should.length > 0) {
      const any = new Uint32Array(wordCount);
      for (const words of should) unite(any, words);
      intersect(into, any);
    }
    for (const words of mustNot) subtract(into, words);
    return into;
  };
  intersect(ids, evaluate(filter));
  return ids;
}

function invert(words: Uint32Array): void {
  for (let word = 0; word < words.length; word += 1) words[word] = ~(words[word] ?? 0);
}

/** Random histories of one partition with payloads, filters and idempotency keys. */
import { parseEmbeddingSpec, type DeclaredFields, type FilterJson, type Slot } from '@shoal/protocol';
import fc from 'fast-check';

export const SLOT = 0 as Slot;
export const DIM = 2;
export const FIRST_FIELDS: DeclaredFields = [{ name: 'colour', type: 'keyword' }];
/** Declared by a message somewhere in the history. */
export const ALL_FIELDS: DeclaredFields = [
  { name: 'colour', type: 'keyword' },
  { name: 'live', type: 'boolean' },
  { name: 'tags', type: 'keywords' },
  { name: 'year', type: 'integer' },
];

export const SPEC = parseEmbeddingSpec({
  code: 1, tenant: 'default', name: 'e1', model: 'm', dim: DIM, distance: 'l2', hnsw: { m: 8, efConstruction: 40, seed: 1 },
  rabitq: { bits: 4, seed: 42 }, storage: 'f32', partitions: 1, replicas: 1, fields: { colour: 'keyword' },
});

export type Change =
  | { readonly type: 'upsert' | 'insert' | 'merge_payload' | 'replace_payload'; readonly key: number; readonly payload: object | undefined; readonly condition: Condition }
  | { readonly type: 'delete'; readonly key: number; readonly condition: Condition };
/** Whether the operation names a sequence: none, that which its vector has, or another. */
type Condition = 'none' | 'right' | 'wrong';

export type Step =
  | { readonly type: 'write'; readonly changes: readonly Change[]; readonly keyed: Keyed }
  | { readonly type: 'delete_matching'; readonly filter: FilterJson; readonly keyed: Keyed }
  | { readonly type: 'declare' };
/** `repeat`: an earlier keyed message comes again; `reuse`: its key comes with this content. */
type Keyed = 'no' | 'new' | 'repeat' | 'reuse';

const colour = fc.constantFrom('red', 'green', 'blue');
const year = fc.integer({ min: 0, max: 4 });
const payload = fc.option(
  fc.record({ colour: fc.option(colour), tags: fc.option(fc.array(colour, { maxLength: 3 })), year: fc.option(year), live: fc.option(fc.boolean()), other: fc.integer() }, { requiredKeys: [] }),
  { nil: undefined, freq: 5 },
);
const key = fc.nat(9);
const condition = fc.constantFrom<Condition>('none', 'none', 'none', 'right', 'wrong');
const change: fc.Arbitrary<Change> = fc.oneof<fc.Arbitrary<Change>[]>(
  fc.record({ type: fc.constantFrom('upsert' as const, 'insert' as const, 'merge_payload' as const, 'replace_payload' as const), key, payload, condition }),
  fc.record({ type: fc.constant('delete' as const), key, condition }),
);
const keyed = fc.constantFrom<Keyed>('no', 'no', 'new', 'repeat', 'reuse');

/** Over the fields of every moment. */
const earlyLeaf: fc.Arbitrary<FilterJson> = fc.oneof<fc.Arbitrary<FilterJson>[]>(
  colour.map((equals) => ({ field: 'colour', equals })),
  fc.boolean().map((exists) => ({ field: 'colour', exists })),
  fc.array(key.map((one) => `k${one}`), { maxLength: 4 }).map((keys) => ({ key_in: keys })),
);
const earlyFilter: fc.Arbitrary<FilterJson> = fc.oneof(earlyLeaf, fc.tuple(earlyLeaf, earlyLeaf).map(([must, mustNot]): FilterJson => ({ must, must_not: mustNot })));
const lateLeaf: fc.Arbitrary<FilterJson> = fc.oneof<fc.Arbitrary<FilterJson>[]>(
  earlyLeaf,
  fc.array(colour, { maxLength: 2 }).map((any) => ({ field: 'tags', any_of: any })),
  fc.tuple(year, year).map(([gte, lt]) => ({ field: 'year', range: { gte, lt } })),
  year.map((equals) => ({ field: 'year', equals })),
  fc.boolean().map((equals) => ({ field: 'live', equals })),
  fc.boolean().map((exists) => ({ field: 'tags', exists })),
);
export const lateFilter: fc.Arbitrary<FilterJson> = fc.oneof(
  lateLeaf,
  fc.record({ must: lateLeaf, should: fc.array(lateLeaf, { minLength: 1, maxLength: 2 }), must_not: lateLeaf }),
);

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ type: fc.constant('write' as const), changes: fc.array(change, { minLength: 1, maxLength: 8 }), keyed }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('delete_matching' as const), filter: earlyFilter, keyed }) },
    { weight: 1, arbitrary: fc.constant({ type: 'declare' as const }) },
  ),
  { minLength: 1, maxLength: 40 },
);

/** Random filters and payloads over one declaration with a field of each type; few values, so that filters often pass. */
import * as fc from 'fast-check';
import type { FilterJson, FilterRangeJson } from '../filter.ts';
import type { DeclaredFields } from '../payload-fields.ts';

export const declared: DeclaredFields = [
  { name: 'at', type: 'datetime' },
  { name: 'colour', type: 'keyword' },
  { name: 'live', type: 'boolean' },
  { name: 'score', type: 'float' },
  { name: 'tags', type: 'keywords' },
  { name: 'year', type: 'integer' },
];

const colour = fc.constantFrom('red', 'green', 'blue', '', '蓝');
const year = fc.integer({ min: -3, max: 6 });
const score = fc.constantFrom(-1.5, -0, 0, 0.25, 1e300, 5e-324);
const at = fc.integer({ min: 0, max: 9 }).map((day) => new Date(Date.UTC(2026, 0, 1 + day)).toISOString());

const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined, freq: 3 });

export const payloads: fc.Arbitrary<{ readonly [name: string]: unknown }> = fc
  .record({ colour: optional(colour), tags: optional(fc.array(colour, { maxLength: 4 })), year: optional(year), score: optional(score), live: optional(fc.boolean()), at: optional(at), other: optional(fc.integer()) })
  .map((payload) => JSON.parse(JSON.stringify(payload)) as { readonly [name: string]: unknown });

const range = (bound: fc.Arbitrary<number | string>): fc.Arbitrary<FilterRangeJson> =>
  fc.record({ gt: optional(bound), gte: optional(bound), lt: optional(bound), lte: optional(bound) }).map((bounds) => {
    const given = Object.fromEntries(Object.entries(bounds).filter(([, value]) => value !== undefined));
    return Object.keys(given).length === 0 ? { gte: bounds.gte ?? 0 } : given;
  });

const equality = (field: string, value: fc.Arbitrary<string | number | boolean>): fc.Arbitrary<FilterJson> =>
  fc.oneof(value.map((equals) => ({ field, equals })), fc.array(value, { maxLength: 3 }).map((any) => ({ field, any_of: any })));

export const vectorKeys = fc.integer({ min: 0, max: 12 }).map((number) => `k${number}`);

const condition: fc.Arbitrary<FilterJson> = fc.oneof<fc.Arbitrary<FilterJson>[]>(
  equality('colour', colour),
  equality('tags', colour),
  equality('year', year),
  equality('score', score),
  equality('live', fc.boolean()),
  equality('at', at),
  range(year).map((bounds) => ({ field: 'year', range: bounds })),
  range(score).map((bounds) => ({ field: 'score', range: bounds })),
  fc.tuple(at, at).map(([gte, lt]) => ({ field: 'at', range: { gte, lt } })),
  fc.record({ field: fc.constantFrom(...declared.map(({ name }) => name)), exists: fc.boolean() }),
  fc.array(vectorKeys, { maxLength: 4 }).map((keys) => ({ key_in: keys })),
);

export const filter: fc.Arbitrary<FilterJson> = fc.letrec<{ filter: FilterJson }>((tie) => {
  const clause = fc.option(fc.array(tie('filter'), { minLength: 1, maxLength: 3 }), { nil: undefined });
  const combined = fc.record({ must: clause, should: clause, must_not: clause }).map((clauses): FilterJson => {
    const given = Object.fromEntries(Object.entries(clauses).filter(([, value]) => value !== undefined));
    return Object.keys(given).length === 0 ? { field: 'live', exists: true } : given;
  });
  return { filter: fc.oneof({ depthSize: 'small', maxDepth: 4 }, condition, combined) };
}).filter;

/** The index of each type of field against the payloads themselves. */
import { fieldValues, isInRange, type DeclaredField, type FieldScalar, type RangeFilter } from '@shoal/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { idsOf, wordsFor } from './dense-bits.ts';
import { openFieldIndex } from './field-index.ts';

const CAPACITY = 10_000;
const TYPES: { readonly [Type in DeclaredField['type']]: fc.Arbitrary<unknown> } = {
  keyword: fc.constantFrom('a', 'b', 'c', ''),
  keywords: fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }),
  boolean: fc.boolean(),
  integer: fc.integer({ min: -4, max: 4 }),
  float: fc.constantFrom(-1.5, -0, 0, 2.25, 1e300, -1e300),
  datetime: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T01:00:00+01:00', '2027-06-01T00:00:00.5Z'),
};

it.each(Object.keys(TYPES) as DeclaredField['type'][])('%s: conditions pass the ids whose payloads do', (type) => {
  const field: DeclaredField = { name: 'f', type };
  const value = fc.option(TYPES[type], { nil: undefined });
  const bound = fc.option(fc.constantFrom(-2, 0, 1.5, Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)), { nil: undefined, freq: 2 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(CAPACITY - 1), value), { maxLength: 400 }),
      fc.record({ gt: bound, gte: bound, lt: bound, lte: bound }),
      (changes, bounds) => {
        const index = openFieldIndex(field);
        const stored = new Map<number, readonly FieldScalar[]>();
        for (const [id, member] of changes) {
          const values = fieldValues({ f: member }, field);
          index.remove(id, stored.get(id) ?? []);
          index.add(id, values);
          // Pages of payloads tell an index again what it knows.
          index.add(id, values);
          stored.set(id, values);
        }
        const passing = (passes: (values: readonly FieldScalar[]) => boolean): number[] => [...stored].filter(([, values]) => passes(values)).map(([id]) => id).sort((a, b) => a - b);
        const found = (fill: (into: Uint32Array) => void): number[] => {
          const words = new Uint32Array(wordsFor(CAPACITY));
          fill(words);
          return [...idsOf(words)];
        };
        expect(found((into) => index.exists(into))).toEqual(passing((values) => values.length > 0));
        const wanted = [...new Set([...stored.values()].flat())].slice(0, 2);
        expect(found((into) => index.anyOf(wanted, into))).toEqual(passing((values) => values.some((one) => wanted.includes(one))));
        if (type === 'keyword' || type === 'keywords' || type === 'boolean') return;
        const given = Object.fromEntries(Object.entries(bounds).filter(([, limit]) => limit !== undefined));
        const range = { type: 'range', field: 'f', ...given } as RangeFilter;
        if (Object.keys(given).length > 0) expect(found((into) => index.range(range, into))).toEqual(passing((values) => values.some((one) => isInRange(Number(one), range))));
      },
    ),
    { numRuns: 60 },
  );
});

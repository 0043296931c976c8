/** Filters are checked by the compiler: what must not compile is marked, and a mark without an error is one. */
import { expect, test } from 'vitest';
import type { Filter } from './filter.ts';

interface Article {
  readonly title: string;
  readonly tags?: readonly string[];
  readonly year?: number | null;
}

test('a filter takes the fields of the payload and values of their types', () => {
  const filters: readonly Filter<Article>[] = [
    { field: 'title', equals: 'x' },
    { field: 'tags', any_of: ['a', 'b'] },
    { field: 'year', range: { gte: 2020 } },
    { must: { field: 'year', exists: true }, should: [{ key_in: ['a'] }, { field: 'title', equals: 'y' }] },
    // @ts-expect-error There is no such field.
    { field: 'colour', equals: 'red' },
    // @ts-expect-error A year is a number.
    { field: 'year', equals: '2020' },
    // @ts-expect-error A tag is a string.
    { field: 'tags', any_of: [1] },
    // @ts-expect-error Not of this language.
    { and: [] },
  ];
  const untyped: Filter = { field: 'anything', equals: true };
  expect(JSON.parse(JSON.stringify([...filters, untyped]))).toHaveLength(9);
});

/** Filters and declared fields: what is accepted, what is said of what is not, and that a filter survives its travels. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchesFilter } from './filter-match.ts';
import { filterBytes, filterToJson, parseFilter, parseFilterBytes } from './filter-parser.ts';
import { LIMITS } from './limits.ts';
import { checkDeclaredFields, datetimeMs, mergeDeclaredFields, parseDeclaredFields } from './payload-fields.ts';
import { mergePayload, payloadToJson } from './payload.ts';
import { declared, filter, payloads } from './testing/filter-arbitraries.ts';
import { refusalOf } from './testing/refusals.ts';

const parse = (value: unknown) => parseFilter(value, declared);
const utf8 = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe('a filter', () => {
  test('comes back from its text as it was, and its text is a fixed point', () => {
    fc.assert(
      fc.property(filter, (json) => {
        const parsed = parse(json);
        expect(parseFilterBytes(filterBytes(parsed, declared), declared)).toEqual(parsed);
        expect(filterToJson(parse(filterToJson(parsed, declared)), declared)).toEqual(filterToJson(parsed, declared));
      }),
    );
  });

  test('means what its words say', () => {
    const passes = (json: unknown, payload: object | undefined, key = 'a') =>
      matchesFilter(parse(json), declared, { key, payload: payload as Record<string, unknown> | undefined });
    expect(passes({ field: 'colour', equals: 'red' }, { colour: 'red' })).toBe(true);
    expect(passes({ field: 'colour', equals: 'red' }, { colour: 'Red' })).toBe(false);
    expect(passes({ field: 'colour', any_of: [] }, { colour: 'red' })).toBe(false);
    expect(passes({ field: 'tags', any_of: ['x', 'y'] }, { tags: ['y', 'z'] })).toBe(true);
    expect(passes({ field: 'year', range: { gt: 3, lte: 5 } }, { year: 3 })).toBe(false);
    expect(passes({ field: 'year', range: { gt: 3, lte: 5 } }, { year: 5 })).toBe(true);
    expect(passes({ field: 'score', equals: 0 }, { score: -0 })).toBe(true);
    expect(passes({ field: 'at', range: { gte: '2026-01-01T00:00:00Z' } }, { at: '2026-01-01T01:00:00+01:00' })).toBe(true);
    expect(passes({ field: 'tags', exists: true }, { tags: [] })).toBe(false);
    expect(passes({ field: 'colour', exists: false }, { colour: null })).toBe(true);
    expect(passes({ field: 'colour', exists: false }, undefined)).toBe(true);
    expect(passes({ key_in: ['a', 'b'] }, undefined)).toBe(true);
    expect(passes({ must_not: { key_in: ['a'] } }, undefined)).toBe(false);
    expect(passes({ must: { field: 'live', equals: true }, should: [{ field: 'year', equals: 1 }, { field: 'year', equals: 2 }] }, { live: true, year: 2 })).toBe(true);
    expect(passes({ must: { field: 'live', equals: true }, should: [{ field: 'year', equals: 1 }] }, { live: true, year: 2 })).toBe(false);
    // Stored before the field was declared: it does not fit, and counts as absent.
    expect(passes({ field: 'year', exists: true }, { year: '2024' })).toBe(false);
  });

  const deep = (levels: number): unknown => (levels === 1 ? { key_in: ['a'] } : { must: deep(levels - 1) });
  test.each([
    [{}, { code: 'missing_field', field: 'filter' }],
    [[], { code: 'invalid_field', field: 'filter' }],
    [{ must: [] }, { code: 'invalid_field', field: 'filter.must', limit: 1 }],
    [{ must: [{}] }, { code: 'missing_field', field: 'filter.must[0]' }],
    [{ and: [] }, { code: 'unknown_field', field: 'filter.and' }],
    [{ field: 'size', equals: 1 }, { code: 'field_not_declared', field: 'filter.field' }],
    [{ field: '__proto__', exists: true }, { code: 'field_not_declared', field: 'filter.field' }],
    [{ field: 'year' }, { code: 'missing_field', field: 'filter' }],
    [{ field: 'year', equals: 1, exists: true }, { code: 'invalid_field', field: 'filter.exists' }],
    [{ field: 'year', equals: 1.5 }, { code: 'invalid_field', field: 'filter.equals' }],
    [{ field: 'year', any_of: [1, '2'] }, { code: 'invalid_field', field: 'filter.any_of[1]' }],
    [{ field: 'colour', range: { gt: 1 } }, { code: 'invalid_field', field: 'filter.range' }],
    [{ field: 'year', range: {} }, { code: 'missing_field', field: 'filter.range' }],
    [{ field: 'year', range: { from: 1 } }, { code: 'unknown_field', field: 'filter.range.from' }],
    [{ field: 'at', range: { gt: 1 } }, { code: 'invalid_field', field: 'filter.range.gt' }],
    [{ field: 'at', equals: '2026-02-30T00:00:00Z' }, { code: 'invalid_field', field: 'filter.equals' }],
    [{ field: 'live', exists: 'yes' }, { code: 'invalid_field', field: 'filter.exists' }],
    [{ key_in: ['a', ''] }, { code: 'invalid_key', field: 'filter.key_in[1]' }],
    [{ key_in: Array.from({ length: LIMITS.filterValues + 1 }, String) }, { code: 'invalid_field', field: 'filter.key_in', limit: LIMITS.filterValues }],
    [{ should: Array.from({ length: LIMITS.filterConditions }, () => ({ key_in: ['a'] })) }, { code: 'invalid_field', field: `filter.should[${LIMITS.filterConditions - 1}]`, limit: LIMITS.filterConditions }],
    [deep(LIMITS.filterDepth + 1), { code: 'invalid_field', field: `filter${'.must'.repeat(LIMITS.filterDepth)}`, limit: LIMITS.filterDepth }],
    [{ key_in: Array.from({ length: 200 }, (_, i) => `${i}`.padEnd(LIMITS.keyBytes, 'k')) }, { code: 'invalid_field', field: 'filter', limit: LIMITS.filterBytes }],
  ])('is refused: %j', (json, refusal) => {
    expect(refusalOf(() => parse(json))).toEqual(refusal);
  });

  test('may be as deep as the limit says', () => {
    expect(parse(deep(LIMITS.filterDepth)).type).toBe('combined');
  });
});

describe('declared fields', () => {
  test('only grow, and keep their types', () => {
    const first = parseDeclaredFields({ b: 'float', a: 'keyword' });
    expect(first.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(mergeDeclaredFields(first, parseDeclaredFields({ c: 'boolean', a: 'keyword' })).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(refusalOf(() => mergeDeclaredFields(first, parseDeclaredFields({ a: 'keywords' })))).toEqual({ code: 'field_conflict', field: 'fields.a' });
    const many = (prefix: string) => parseDeclaredFields(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${prefix}${i}`, 'float'])));
    expect(refusalOf(() => mergeDeclaredFields(many('a'), many('b')))).toEqual({ code: 'invalid_field', field: 'fields', limit: LIMITS.fieldsPerEmbedding });
  });

  test.each([
    [{ colour: 7 }, 'colour'],
    [{ colour: 'x'.repeat(LIMITS.keywordBytes + 1) }, 'colour'],
    [{ tags: 'red' }, 'tags'],
    [{ tags: ['red', 1] }, 'tags'],
    [{ tags: Array.from({ length: LIMITS.keywordsPerField + 1 }, String) }, 'tags'],
    [{ year: 1.5 }, 'year'],
    [{ year: 2 ** 53 }, 'year'],
    [{ score: 'high' }, 'score'],
    [{ live: 1 }, 'live'],
    [{ at: '2026-01-31' }, 'at'],
    [{ at: '2026-13-01T00:00:00Z' }, 'at'],
  ])('refuse the payload %j', (payload, field) => {
    expect(refusalOf(() => checkDeclaredFields(payload, declared, 'payload'))).toEqual({ code: 'invalid_payload_field', field: `payload.${field}` });
  });

  test('accept payloads that fit, null for absent and members that are not declared', () => {
    const fits = { colour: null, tags: [], year: -3, score: 2, live: false, at: '2024-02-29T23:59:59.123456Z', other: [1, 'x'] };
    expect(() => checkDeclaredFields(fits, declared, 'payload')).not.toThrow();
    fc.assert(
      fc.property(payloads, (payload) => {
        checkDeclaredFields(payload, declared, 'payload');
      }),
    );
  });

  test('take every datetime to the millisecond and back', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }), (date) => {
        expect(datetimeMs(date.toISOString())).toBe(date.getTime());
      }),
    );
    expect(datetimeMs('9999-12-31T23:59:59-01:00')).toBeUndefined();
    expect(datetimeMs('2026-01-01T00:00:00.1239Z')).toBe(Date.parse('2026-01-01T00:00:00.123Z'));
  });
});

describe('a merge patch', () => {
  // The examples of RFC 7396, appendix A, that have an object on both sides.
  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j gives %j', (target, patch, merged) => {
    expect(payloadToJson(mergePayload(utf8(target), utf8(patch)) ?? utf8(null))).toEqual(merged);
  });

  test('keeps a member called __proto__ a member, and refuses to grow past the limits', () => {
    const merged = mergePayload(utf8({ a: 1 }), new TextEncoder().encode('{"__proto__":{"b":2}}'));
    expect(new TextDecoder().decode(merged)).toBe('{"a":1,"__proto__":{"b":2}}');
    expect(mergePayload(utf8({ a: 'x'.repeat(40_000) }), utf8({ b: 'x'.repeat(40_000) }))).toBeUndefined();
  });
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DISTANCES } from './embedding-spec.ts';
import type { Distance } from './embedding-spec.ts';
import { checkVector, parseVectorValues } from './vector-values.ts';
import { refusalOf } from './testing/refusals.ts';

const FIELD = 'vectors[3].values';
const parse = (value: unknown, distance: Distance = 'l2', dim = 3): Float32Array => parseVectorValues(value, dim, distance, FIELD);

describe('components as JSON', () => {
  test('become float32, rounded to nearest', () => {
    const ordinary = fc.double({ min: -1e18, max: 1e18, noNaN: true });
    fc.assert(
      fc.property(fc.array(ordinary, { minLength: 1, maxLength: 40 }), fc.constantFrom('l2' as const, 'dot' as const), (values, distance) => {
        expect(parse(values, distance, values.length)).toEqual(Float32Array.from(values));
      }),
    );
  });

  test('of the wrong number are refused with the right number', () => {
    for (const value of [[], [1, 2], [1, 2, 3, 4]]) expect(refusalOf(() => parse(value))).toEqual({ code: 'dimension_mismatch', field: FIELD, limit: 3 });
  });

  test('that are no array are refused', () => {
    for (const value of [null, 'abc', 7, { length: 3 }, new Float32Array(3)]) expect(refusalOf(() => parse(value))).toEqual({ code: 'invalid_vector', field: FIELD });
  });

  test('that are no finite float32 are refused by their place', () => {
    for (const component of [Number.NaN, Infinity, -Infinity, 1e39, -3.5e38, '1', null, undefined, true, [1]]) {
      for (const place of [0, 1, 2]) {
        const values: unknown[] = [0.5, 0.5, 0.5];
        values[place] = component;
        expect(refusalOf(() => parse(values)), String(component)).toEqual({ code: 'invalid_vector', field: `${FIELD}[${place}]` });
      }
    }
  });
});

describe('the length of a vector', () => {
  test('must leave distances within float32, whatever the distance', () => {
    for (const distance of DISTANCES) {
      expect(parse([6e18, 0, 0], distance)[0]).toBe(Math.fround(6e18));
      expect(refusalOf(() => parse([7e18, 0, 0], distance))).toEqual({ code: 'invalid_vector', field: FIELD });
      expect(refusalOf(() => parse([3.4e38, 3.4e38, 3.4e38], distance))).toEqual({ code: 'invalid_vector', field: FIELD });
    }
  });

  test('bounds every distance between accepted vectors, computed in float32', () => {
    const component = fc.double({ min: -6.5e18, max: 6.5e18, noNaN: true });
    const vector = fc.array(component, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(vector, vector, (a, b) => {
        let first: Float32Array;
        let second: Float32Array;
        try {
          first = parse(a, 'l2', 4);
          second = parse(b, 'l2', 4);
        } catch {
          fc.pre(false);
          return;
        }
        let squared = 0;
        let product = 0;
        for (let i = 0; i < 4; i++) {
          const difference = Math.fround((first[i] ?? 0) - (second[i] ?? 0));
          squared = Math.fround(squared + Math.fround(difference * difference));
          product = Math.fround(product + Math.fround((first[i] ?? 0) * (second[i] ?? 0)));
        }
        expect(Number.isFinite(squared) && Number.isFinite(product)).toBe(true);
      }),
    );
  });

  test('must not be zero, or lost to rounding, under cosine; elsewhere it may', () => {
    for (const values of [[0, 0, 0], [-0, 0, 0], [1e-30, 0, 0], [1e-45, 1e-45, 1e-45], [1e-200, 0, 0]]) {
      expect(refusalOf(() => parse(values, 'cosine')), String(values)).toEqual({ code: 'zero_vector', field: FIELD });
      expect(parse(values, 'l2')).toEqual(Float32Array.from(values));
      expect(parse(values, 'dot')).toEqual(Float32Array.from(values));
    }
    expect(parse([1e-18, 0, 0], 'cosine')).toEqual(Float32Array.of(1e-18, 0, 0));
  });
});

describe('components as float32', () => {
  test('are judged as the same components in JSON are', () => {
    const component = fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, 0, 1e-30, 7e18));
    fc.assert(
      fc.property(fc.array(component, { minLength: 1, maxLength: 5 }), fc.constantFrom(...DISTANCES), fc.constantFrom(2, 3), (values, distance, dim) => {
        const judge = (check: () => unknown): unknown => {
          try {
            check();
            return 'accepted';
          } catch {
            return refusalOf(check);
          }
        };
        const asJson = judge(() => parse(values, distance, dim));
        const asFloats = judge(() => checkVector(Float32Array.from(values), dim, distance, FIELD));
        expect(asFloats).toEqual(asJson);
      }),
    );
  });

  test('that are NaN or infinite are refused by their place', () => {
    for (const component of [Number.NaN, Infinity, -Infinity]) {
      expect(refusalOf(() => checkVector(Float32Array.of(1, 1, component), 3, 'dot', FIELD))).toEqual({ code: 'invalid_vector', field: `${FIELD}[2]` });
    }
  });
});

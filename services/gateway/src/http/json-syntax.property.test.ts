import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonError } from './json-syntax.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Texts that are nearly JSON: a valid one with some characters replaced, removed or put in. */
const nearlyJson = fc.tuple(fc.json(), fc.array(fc.tuple(fc.nat(), fc.nat(1), fc.constantFrom('', ' ', '"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', 't', 'null', '\n', '\u0001', '\u007f', '\ud800', '\u{1f600}')), { maxLength: 3 }))
  .map(([text, edits]) => edits.reduce((edited, [at, removed, added]) => {
    const index = at % (edited.length + 1);
    return edited.slice(0, index) + added + edited.slice(index + removed);
  }, text));

describe('findJsonError', () => {
  it('finds an error exactly where JSON.parse refuses', () => {
    fc.assert(fc.property(nearlyJson, (text) => {
      expect(findJsonError(text) === undefined).toBe(isJson(text));
    }), { numRuns: 3_000 });
  });

  it.each([
    ['', 0], ['{', 1], ['{"a"', 4], ['{"a":1,}', 7], ['[1,,2]', 3], ['[1 2]', 3], ['{"a":NaN}', 5], ['[1]x', 3], ['{a:1}', 1], ['"\n"', 0], ['01', 1], ['[1', 2], ["{'a':1}", 1],
  ])('%j at %i', (text, at) => {
    expect(findJsonError(text)).toBe(at);
  });

  it('takes deep nesting', () => {
    const depth = 200_000;
    expect(findJsonError('['.repeat(depth))).toBe(depth);
    expect(findJsonError('['.repeat(depth) + ']'.repeat(depth))).toBe(undefined);
  });
});

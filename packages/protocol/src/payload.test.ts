import { describe, expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import { parsePayload, parsePayloadText, payloadToJson } from './payload.ts';
import { refusalOf } from './testing/refusals.ts';

const text = (json: string): Uint8Array => new TextEncoder().encode(json);
const nested = (levels: number): unknown => (levels === 1 ? {} : { in: nested(levels - 1) });

describe('a payload', () => {
  test('is kept as its JSON text', () => {
    const value = { title: 'clé ✓ 𝕊', year: 2024, tags: ['a', null], lone: '\ud800' };
    expect(payloadToJson(parsePayload(value, 'payload'))).toEqual(value);
    expect(parsePayload({}, 'payload')).toEqual(text('{}'));
  });

  test('is an object', () => {
    for (const value of [null, [], 'x', 7, true]) expect(refusalOf(() => parsePayload(value, 'p'))).toEqual({ code: 'invalid_field', field: 'p' });
  });

  test('is bounded in bytes of UTF-8, not in characters', () => {
    const frame = '{"a":""}'.length;
    expect(parsePayload({ a: 'x'.repeat(LIMITS.payloadBytes - frame) }, 'p').byteLength).toBe(LIMITS.payloadBytes);
    const limit = { code: 'payload_too_large', field: 'p', limit: LIMITS.payloadBytes };
    expect(refusalOf(() => parsePayload({ a: 'x'.repeat(LIMITS.payloadBytes - frame + 1) }, 'p'))).toEqual(limit);
    expect(refusalOf(() => parsePayload({ a: 'é'.repeat(LIMITS.payloadBytes / 2) }, 'p'))).toEqual(limit);
    expect(refusalOf(() => parsePayloadText(new Uint8Array(LIMITS.payloadBytes + 1), 'p'))).toEqual(limit);
  });

  test('is bounded in depth, also where looking deeper would overflow the stack', () => {
    expect(payloadToJson(parsePayload(nested(LIMITS.payloadDepth), 'p'))).toEqual(nested(LIMITS.payloadDepth));
    const tooDeep = { code: 'invalid_field', field: 'p', limit: LIMITS.payloadDepth };
    expect(refusalOf(() => parsePayload(nested(LIMITS.payloadDepth + 1), 'p'))).toEqual(tooDeep);
    const abyss: unknown = JSON.parse(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    expect(refusalOf(() => parsePayload(abyss, 'p'))).toEqual(tooDeep);
  });
});

describe('a payload that comes as text', () => {
  test('is written anew', () => {
    expect(parsePayloadText(text(' { "a" : 1 } '), 'p')).toEqual(text('{"a":1}'));
  });

  test('must be JSON in UTF-8', () => {
    for (const bytes of [text('{'), text(''), text('{}x'), Uint8Array.of(0x22, 0xff, 0x22)]) {
      expect(refusalOf(() => parsePayloadText(bytes, 'p'))).toEqual({ code: 'invalid_field', field: 'p' });
    }
  });
});

import { describe, expect, test } from 'vitest';
import {
  parseEmbeddingCode,
  parseEmbeddingName,
  parseOperationId,
  parsePartition,
  parseSequence,
  parseShardId,
  parseSlot,
  parseTenantId,
  parseVecId,
  parseVectorKey,
} from './ids.ts';
import { LIMITS } from './limits.ts';
import { refusalOf } from './testing/refusals.ts';

describe('numbered ids', () => {
  test.each([
    ['code', parseEmbeddingCode, 1, Number.MAX_SAFE_INTEGER],
    ['partition', parsePartition, 0, LIMITS.partitions - 1],
    ['slot', parseSlot, 0, LIMITS.slots - 1],
    ['sequence', parseSequence, 0, Number.MAX_SAFE_INTEGER],
    ['vecId', parseVecId, 0, LIMITS.vectorsPerPartition - 1],
  ])('%s takes whole numbers of its range only', (field, parse, minimum, maximum) => {
    expect(parse(minimum)).toBe(minimum);
    expect(parse(maximum)).toBe(maximum);
    expect(refusalOf(() => parse(minimum - 1))).toEqual({ code: 'invalid_field', field, limit: minimum });
    for (const value of [maximum + 1, 1.5, Number.NaN, Infinity, '1', null, undefined, [1]]) {
      expect(refusalOf(() => parse(value)), String(value)).toEqual({ code: 'invalid_field', field, limit: maximum });
    }
  });
});

describe('names', () => {
  test.each([
    ['name', parseEmbeddingName],
    ['tenant', parseTenantId],
    ['shard', parseShardId],
  ])('of %s are short, lower-case and begin with a letter or digit', (field, parse) => {
    for (const name of ['a', '7', 'a.b_c-d', 'x'.repeat(LIMITS.nameChars)]) expect(parse(name)).toBe(name);
    for (const value of ['', 'A', '-a', '.a', 'a b', 'é', 'a\n', 'x'.repeat(LIMITS.nameChars + 1), 7, null]) {
      expect(refusalOf(() => parse(value)), String(value)).toEqual({ code: 'invalid_field', field, limit: LIMITS.nameChars });
    }
  });
});

describe('vector keys', () => {
  test('are measured in bytes of UTF-8', () => {
    for (const key of ['k'.repeat(512), 'é'.repeat(256), '𝕊'.repeat(128), ' ', '\u0000', '\u{feff}']) expect(parseVectorKey(key)).toBe(key);
    for (const key of ['k'.repeat(513), `k${'é'.repeat(256)}`, '𝕊'.repeat(129)]) {
      expect(refusalOf(() => parseVectorKey(key))).toEqual({ code: 'invalid_key', field: 'key', limit: LIMITS.keyBytes });
    }
  });

  test('are well-formed texts that are not empty', () => {
    for (const key of ['', '\ud800', 'a\udc00b', 7, null, undefined, ['a']]) {
      expect(refusalOf(() => parseVectorKey(key, 'keys[2]'))).toEqual({ code: 'invalid_key', field: 'keys[2]' });
    }
  });
});

test('operation ids are 32 lower-case hexadecimal digits', () => {
  const id = '00112233445566778899aabbccddeeff';
  expect(parseOperationId(id)).toBe(id);
  for (const value of [id.toUpperCase(), id.slice(1), `${id}0`, `${id}\n`, 7]) {
    expect(refusalOf(() => parseOperationId(value))).toEqual({ code: 'invalid_field', field: 'operationId' });
  }
});

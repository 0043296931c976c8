import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OUTCOMES } from './mutation.ts';
import { decodeOutcomes, encodeOutcomes } from './outcome-codec.ts';
import { outcomes } from './testing/arbitraries.ts';
import { refusal, resealed, testDamageIsRefused } from './testing/damage.ts';
import { sampleOutcomes } from './testing/samples.ts';

describe('outcome records', () => {
  test('decode to what was encoded', () => {
    fc.assert(
      fc.property(outcomes, (value) => {
        expect(decodeOutcomes(encodeOutcomes(value))).toEqual(value);
      }),
    );
  });

  test('refuse a number that names no outcome, and a count beyond their size', () => {
    const one = encodeOutcomes(['created']);
    const unused = Math.max(...Object.values(OUTCOMES)) + 1;
    for (const number of [0, unused, 255]) expect(refusal(decodeOutcomes, resealed(one, (bytes) => (bytes[12] = number)))).toBe('corrupt_message');
    expect(refusal(decodeOutcomes, resealed(one, (bytes) => bytes.fill(0xff, 8, 12)))).toBe('corrupt_message');
  });

  testDamageIsRefused({
    messages: [encodeOutcomes(sampleOutcomes), encodeOutcomes([])],
    decode: decodeOutcomes,
    code: 'corrupt_message',
    resealedCodes: ['corrupt_message', 'unsupported_version'],
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSlot } from './ids.ts';
import { LIMITS } from './limits.ts';
import { testDamageIsRefused } from './testing/damage.ts';
import { sampleVerifyOrder } from './testing/samples.ts';
import { decodeVerifyOrder, encodeVerifyOrder, parseVerifyRequest } from './verify-order.ts';

describe('an order to verify', () => {
  it('decodes to what was encoded', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 0, max: LIMITS.slots - 1 }), { maxLength: 200 }), (slots) => {
      const order = { slots: slots.map((slot) => parseSlot(slot)) };
      expect(decodeVerifyOrder(encodeVerifyOrder(order))).toEqual(order);
    }));
  });

  testDamageIsRefused({ messages: [encodeVerifyOrder(sampleVerifyOrder)], decode: decodeVerifyOrder, code: 'corrupt_message', resealedCodes: ['corrupt_message', 'unsupported_version'] });

  it('is for all slots unless it names some that the cluster has', () => {
    expect(parseVerifyRequest({}, 8)).toEqual({ slots: [] });
    expect(parseVerifyRequest({ slots: [7, 0, 7] }, 8)).toEqual({ slots: [7, 0] });
    for (const slots of [[8], [-1], [1.5], ['1'], [], 3]) expect(() => parseVerifyRequest({ slots }, 8)).toThrow(expect.objectContaining({ code: 'invalid_field' }));
    expect(() => parseVerifyRequest({ slot: 1 }, 8)).toThrow(expect.objectContaining({ code: 'unknown_field' }));
  });
});

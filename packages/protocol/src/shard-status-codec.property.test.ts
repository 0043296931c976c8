import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ShardStatus } from './query.ts';
import { decodeShardStatus, encodeShardStatus } from './shard-status-codec.ts';
import { shardStatus } from './testing/arbitraries.ts';
import { refusal, testDamageIsRefused } from './testing/damage.ts';
import { sampleStatus } from './testing/samples.ts';

describe('shard announcements', () => {
  test('decode to what was encoded', () => {
    fc.assert(
      fc.property(shardStatus, (status) => {
        expect(decodeShardStatus(encodeShardStatus(status))).toEqual(status);
      }),
    );
  });

  test('of a newer shard may have more members', () => {
    const newer = { ...sampleStatus, temperature: 20, slots: sampleStatus.slots.map((slot) => ({ ...slot, colour: 'red' })) };
    expect(decodeShardStatus(encodeShardStatus(newer))).toEqual(sampleStatus);
  });

  test('without a member, or with an impossible one, are refused', () => {
    const refuse = (status: object): void => {
      expect(refusal(decodeShardStatus, encodeShardStatus(status as ShardStatus)), JSON.stringify(status)).toBe('corrupt_message');
    };
    for (const member of Object.keys(sampleStatus)) refuse({ ...sampleStatus, [member]: undefined });
    refuse({ ...sampleStatus, shard: 'Not A Name' });
    refuse({ ...sampleStatus, count: -1 });
    refuse({ ...sampleStatus, slots: [{ ...sampleStatus.slots[0], slot: 1_024 }] });
    refuse({ ...sampleStatus, slots: [{ ...sampleStatus.slots[0], ready: 'yes' }] });
    refuse({ ...sampleStatus, slots: [7] });
    refuse([]);
  });

  testDamageIsRefused({
    messages: [encodeShardStatus(sampleStatus)],
    decode: decodeShardStatus,
    code: 'corrupt_message',
    resealedCodes: ['corrupt_message', 'unsupported_version'],
  });
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ShardId, Slot } from './ids.ts';
import {
  decodeControllerLease, decodeMemberLease, decodePlacementMap, encodeControllerLease, encodeMemberLease, encodePlacementMap,
} from './placement-codec.ts';
import type { ControllerLease, PlacementMap } from './placement-map.ts';
import { refusal, resealed, testDamageIsRefused } from './testing/damage.ts';
import { sampleController, sampleMap, sampleMember } from './testing/samples.ts';

const shard = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,12}$/) as fc.Arbitrary<string> as fc.Arbitrary<ShardId>;
const slot = fc.integer({ min: 0, max: 63 }) as fc.Arbitrary<number> as fc.Arbitrary<Slot>;
const map: fc.Arbitrary<PlacementMap> = fc.record({
  epoch: fc.nat(),
  replicas: fc.integer({ min: 1, max: 8 }),
  drained: fc.uniqueArray(shard, { maxLength: 3 }),
  pins: fc.array(fc.tuple(slot, shard), { maxLength: 4 }).map((pins) => new Map(pins)),
  slots: fc.array(fc.array(fc.record({ shard, state: fc.constantFrom('joining', 'ready', 'leaving') }), { maxLength: 3 }), { minLength: 1, maxLength: 64 }),
});

describe('the placement map', () => {
  test('decodes to what was encoded', () => {
    fc.assert(fc.property(map, (value) => {
      expect(decodePlacementMap(encodePlacementMap(value))).toEqual(value);
    }));
  });

  test('of the greatest cluster fits one entry of the registry', () => {
    const shards = Array.from({ length: 1_000 }, (_unused, index) => `a-shard-with-a-long-name-${index}.shoal.svc.cluster.local` as ShardId);
    const slots = Array.from({ length: 1_024 }, (_unused, index) => [0, 1, 2].map((replica) => ({ shard: shards[(index + replica) % 1_000] ?? ('x' as ShardId), state: 'ready' as const })));
    expect(encodePlacementMap({ ...sampleMap, slots }).byteLength).toBeLessThan(256 * 1024);
  });

  test('is refused when it names shards and states that are not there', () => {
    const wrong = (change: (json: string) => string): void => {
      const bytes = encodePlacementMap(sampleMap);
      const json = new TextDecoder().decode(bytes.subarray(8, -4));
      const other = change(json);
      expect(other).not.toBe(json);
      // The codec of another value seals any JSON; its type byte is then made that of a map.
      const sealed = encodeControllerLease(JSON.parse(other) as ControllerLease);
      expect(refusal(decodePlacementMap, resealed(sealed, (copy) => copy.fill(0, 5, 6)))).toBe('corrupt_message');
    };
    wrong((json) => json.replace('"epoch":7', '"epoch":-7'));
    wrong((json) => json.replace('[[[0,1]', '[[[9,1]'));
    wrong((json) => json.replace('[[[0,1]', '[[[0,3]'));
  });

  testDamageIsRefused({
    messages: [encodePlacementMap(sampleMap)],
    decode: decodePlacementMap,
    code: 'corrupt_message',
    resealedCodes: ['corrupt_message', 'unsupported_version'],
  });
});

describe('leases', () => {
  test('decode to what was encoded, and are not taken for each other', () => {
    expect(decodeMemberLease(encodeMemberLease(sampleMember))).toEqual(sampleMember);
    expect(decodeControllerLease(encodeControllerLease(sampleController))).toEqual(sampleController);
    expect(refusal(decodeMemberLease, encodeControllerLease(sampleController))).toBe('corrupt_message');
  });
});

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeFormat,
  decodeLogValue,
  decodeRegistryValue,
  decodeRevision,
  encodeFormat,
  encodeLogValue,
  encodeRegistryValue,
  encodeRevision,
  FORMAT_KEY,
  logKey,
  nameOfRegistryKey,
  registryKey,
  REVISION_KEY,
  sequenceOfLogKey,
} from './records.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const LARGE = 2 ** 53 - 1;

/** One record of every kind, with numbers that show their byte order. */
function samples(): Record<string, readonly [Uint8Array, Uint8Array]> {
  const log = logKey(513 as never, LARGE);
  const registry = registryKey('embedding.42');
  return {
    format: [FORMAT_KEY, encodeFormat(64)],
    revision: [REVISION_KEY, encodeRevision(258)],
    log: [log, encodeLogValue(log, { timeMs: 1_700_000_000_123, code: 66_051 as never, partition: 513 as never, payload: new Uint8Array([1, 2, 3]) })],
    registry: [registry, encodeRegistryValue(registry, { revision: LARGE, payload: new Uint8Array([4, 5]) })],
  };
}

describe('records of the embedded bus', () => {
  it('have the frozen bytes', () => {
    const lines = Object.entries(samples()).map(([name, [key, value]]) => `${name} ${hex(key)} ${hex(value)}`);
    expect(`${lines.join('\n')}\n`).toBe(readFileSync(new URL('fixtures/records.v1.txt', import.meta.url), 'utf8'));
  });

  it('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_023 }), fc.nat(LARGE), fc.nat(LARGE), fc.nat(LARGE), fc.nat(1_023), fc.uint8Array(), (slot, sequence, timeMs, code, partition, payload) => {
        const key = logKey(slot as never, sequence);
        expect(sequenceOfLogKey(key)).toBe(sequence);
        expect(decodeLogValue(key, encodeLogValue(key, { timeMs, code: code as never, partition: partition as never, payload }))).toEqual({ timeMs, code, partition, payload });
        const name = registryKey(`name.${slot}`);
        expect(nameOfRegistryKey(name)).toBe(`name.${slot}`);
        expect(decodeRegistryValue(name, encodeRegistryValue(name, { revision: sequence, payload }))).toEqual({ revision: sequence, payload });
        expect(decodeRevision(encodeRevision(sequence))).toBe(sequence);
        expect(decodeFormat(encodeFormat(slot))).toBe(slot);
      }),
    );
  });

  it('sort by slot, then by sequence', () => {
    const place = fc.tuple(fc.nat(1_023), fc.nat(LARGE));
    fc.assert(
      fc.property(place, place, (a, b) => {
        const bytes = Math.sign(Buffer.compare(logKey(a[0] as never, a[1]), logKey(b[0] as never, b[1])));
        expect(bytes).toBe(Math.sign(a[0] - b[0] || a[1] - b[1]));
      }),
    );
  });

  it('are refused with any bit changed, cut short, or under another key', () => {
    const [key, value] = samples()['log'] ?? [];
    if (key === undefined || value === undefined) throw new Error('there is a sample');
    for (let bit = 0; bit < value.length * 8; bit++) {
      const damaged = value.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decodeLogValue(key, damaged)).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
    }
    for (let length = 0; length < value.length; length++) expect(() => decodeLogValue(key, value.subarray(0, length))).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
    expect(() => decodeLogValue(logKey(513 as never, 1), value)).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
  });
});

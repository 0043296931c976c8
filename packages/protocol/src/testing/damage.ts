/** Damaged copies of a message, and the test that all of them are refused. */
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ErrorCode } from '../error-registry.ts';
import { ShoalError } from '../shoal-error.ts';

/** The code with which `decode` refuses `bytes`, or `accepted`; anything but a ShoalError fails the test. */
export function refusal(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): ErrorCode | 'accepted' {
  try {
    decode(bytes);
    return 'accepted';
  } catch (error) {
    if (error instanceof ShoalError) return error.code;
    throw error;
  }
}

/** A copy with the checksum made to fit again: damage that only the grammar can show. */
export function resealed(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = Uint8Array.from(bytes);
  change(copy);
  const end = copy.byteLength - 4;
  new DataView(copy.buffer).setUint32(end, crc32(copy.subarray(0, end)), true);
  return copy;
}

/** The same bytes at an address that is not a multiple of 4. */
export function misaligned(bytes: Uint8Array): Uint8Array {
  const room = new Uint8Array(bytes.byteLength + 1);
  room.set(bytes, 1);
  return room.subarray(1);
}

export interface Decoding {
  readonly messages: readonly Uint8Array[];
  readonly decode: (bytes: Uint8Array) => unknown;
  /** The code for bytes that are not a message. */
  readonly code: ErrorCode;
  /** Codes with which a well-sealed message of impossible contents may be refused. */
  readonly resealedCodes: readonly ErrorCode[];
}

/** Tests that hold for every message with a closing checksum. */
export function testDamageIsRefused({ messages, decode, code, resealedCodes }: Decoding): void {
  test('every change of a single byte is refused', () => {
    for (const message of messages) {
      for (let position = 0; position < message.byteLength; position++) {
        for (const flip of [0x01, 0x20, 0x80, 0xff]) {
          const copy = Uint8Array.from(message);
          copy[position] = (copy[position] ?? 0) ^ flip;
          expect(refusal(decode, copy), `byte ${position} changed by ${flip}`).toBe(code);
        }
      }
    }
  });

  test('every truncation is refused', () => {
    for (const message of messages) {
      for (let sizeBytes = 0; sizeBytes < message.byteLength; sizeBytes++) {
        expect(refusal(decode, message.subarray(0, sizeBytes)), `cut to ${sizeBytes} bytes`).toBe(code);
      }
    }
  });

  test('garbage after the end is refused, even under a fitting checksum', () => {
    for (const message of messages) {
      const longer = new Uint8Array(message.byteLength + 4);
      longer.set(message);
      expect(refusal(decode, longer)).toBe(code);
      expect(resealedCodes).toContain(refusal(decode, resealed(longer, () => undefined)));
    }
  });

  test('random bytes under a fitting checksum are refused or decoded, never anything else', () => {
    fc.assert(
      fc.property(fc.constantFrom(...messages), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), (message, changes) => {
        const copy = resealed(message, (bytes) => {
          for (const [at, value] of changes) bytes[at % (bytes.byteLength - 4)] = value;
        });
        expect([...resealedCodes, 'accepted']).toContain(refusal(decode, copy));
      }),
      { numRuns: 3_000 },
    );
  });
}

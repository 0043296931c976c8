import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Sequence, Slot } from './ids.ts';
import { SlotBackupDecoder, SlotBackupEncoder, codeOfSubject, type SlotBackupMessage } from './slot-backup-codec.ts';

interface Content {
  readonly base: number;
  readonly pieces: readonly Uint8Array[];
  readonly messages: readonly SlotBackupMessage[];
}

const content: fc.Arbitrary<Content> = fc.record({
  base: fc.nat(),
  pieces: fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 4 }),
  messages: fc.array(
    fc.record({ sequence: fc.nat().map((value) => value as Sequence), timeMs: fc.nat(), subject: fc.string({ maxLength: 20, unit: 'grapheme' }).filter((text) => text.isWellFormed()), bytes: fc.uint8Array({ maxLength: 50 }) }),
    { maxLength: 5 },
  ),
});

function encode({ base, pieces, messages }: Content): Buffer {
  const encoder = new SlotBackupEncoder();
  const parts = [encoder.header({ slot: 3 as Slot, slots: 64, base: base as Sequence, to: 9 as Sequence })];
  for (const piece of pieces) parts.push(encoder.base(piece));
  for (const message of messages) parts.push(encoder.message(message));
  parts.push(encoder.end());
  return Buffer.concat(parts);
}

/** In pieces of `size` bytes, as a network may deliver them. */
async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function decode(bytes: Uint8Array, size: number): Promise<Content> {
  const decoder = new SlotBackupDecoder(inPieces(bytes, size));
  const { base } = await decoder.header();
  const pieces: Uint8Array[] = [];
  for await (const piece of decoder.base()) pieces.push(Uint8Array.from(piece));
  const messages: SlotBackupMessage[] = [];
  for await (const message of decoder.messages()) messages.push(message);
  return { base, pieces, messages };
}

describe('a slot in a backup', () => {
  it('is read as it was written, however it is cut on the way', async () => {
    await fc.assert(fc.asyncProperty(content, fc.integer({ min: 1, max: 100 }), async (written, size) => {
      expect(await decode(encode(written), size)).toEqual(written);
    }), { numRuns: 100 });
  });

  it('is refused when any bit of it differs, when it is cut short, and when something follows', async () => {
    const refused = { code: expect.stringMatching(/^(backup_corrupt|unsupported_version)$/) };
    await fc.assert(fc.asyncProperty(content, fc.nat(), fc.nat(7), async (written, at, bit) => {
      const bytes = encode(written);
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(at % bytes.length) ^ (1 << bit), at % bytes.length);
      await expect(decode(flipped, 64)).rejects.toMatchObject(refused);
      await expect(decode(bytes.subarray(0, at % bytes.length), 64)).rejects.toMatchObject(refused);
      await expect(decode(Buffer.concat([bytes, Buffer.of(0)]), 64)).rejects.toMatchObject(refused);
    }), { numRuns: 100 });
  });

  it('without one of its messages does not fit its checksums', async () => {
    const message = (sequence: number): SlotBackupMessage => ({ sequence: sequence as Sequence, timeMs: 1, subject: 's', bytes: Uint8Array.of(sequence) });
    const encoder = new SlotBackupEncoder();
    const parts = [encoder.header({ slot: 0 as Slot, slots: 1, base: 0 as Sequence, to: 2 as Sequence }), encoder.message(message(1)), encoder.message(message(2)), encoder.end()];
    await expect(decode(Buffer.concat(parts.filter((_, index) => index !== 1)), 64)).rejects.toMatchObject({ code: 'backup_corrupt' });
  });

  it('names the embedding of a message by its subject', () => {
    expect(codeOfSubject('shoal.mut.3.4711.0')).toBe(4711);
    expect(codeOfSubject('shoal.q.3')).toBeUndefined();
  });
});

import type { Sequence } from '@shoal/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BusUnderTest, OpenBus } from './bus-conformance.ts';
import { entry, readMessages, slot, textOf, WRITE } from './log-fixtures.ts';

export function trimConformance(open: OpenBus): void {
  describe('trim', () => {
    let under: BusUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.dispose());

    const publishTen = (): Promise<readonly Sequence[]> => under.bus.log.publish(Array.from({ length: 20 }, (_, index) => entry(index % 2, String(index))), WRITE);
    const at = (sequences: readonly Sequence[], index: number): Sequence => sequences[index] ?? (0 as Sequence);

    it('removes what lies below the position, of this slot alone, and keeps the rest', async () => {
      const { log } = under.bus;
      const sequences = await publishTen();
      expect(await log.trimmedBefore(slot(0))).toBe(0);
      await log.trim(slot(0), at(sequences, 10));
      expect(await log.trimmedBefore(slot(0))).toBe(sequences[10]);
      expect((await readMessages(log, 0, { from: at(sequences, 10), count: 5 })).map(textOf)).toEqual(['10', '12', '14', '16', '18']);
      expect((await readMessages(log, 1, { count: 10 })).map(textOf)).toEqual(['1', '3', '5', '7', '9', '11', '13', '15', '17', '19']);
    });

    it('tells a reader that comes too late instead of beginning later in silence', async () => {
      const { log } = under.bus;
      const sequences = await publishTen();
      await log.trim(slot(0), at(sequences, 10));
      await expect(readMessages(log, 0, { from: 1, count: 1 })).rejects.toMatchObject({ code: 'log_trimmed' });
      await expect(readMessages(log, 0, { from: at(sequences, 8), count: 1 })).rejects.toMatchObject({ code: 'log_trimmed' });
      const peer = await under.peer();
      await expect(readMessages(peer.log, 0, { from: at(sequences, 8), count: 1 })).rejects.toMatchObject({ code: 'log_trimmed' });
    });

    it('tells a reader under which messages were removed that it had not read yet', async () => {
      const { log } = under.bus;
      const sequences = await publishTen();
      const controller = new AbortController();
      const iterator = log.read({ slot: slot(0), from: 1 as Sequence, signal: controller.signal, maxMessages: 1, maxBytes: 1 })[Symbol.asyncIterator]();
      expect((await iterator.next()).value?.map(textOf)).toEqual(['0']);
      await log.trim(slot(0), at(sequences, 16));
      const read: string[] = [];
      const readOn = async (): Promise<void> => {
        for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) read.push(...next.value.map(textOf));
      };
      await expect(readOn()).rejects.toMatchObject({ code: 'log_trimmed' });
      // What it had in hand already may still come; nothing after a gap.
      expect(read).toEqual(['2', '4', '6', '8', '10', '12', '14'].slice(0, read.length));
    });

    it('keeps the last message, and goes on counting from it', async () => {
      const { log } = under.bus;
      const sequences = await publishTen();
      await log.trim(slot(0), (at(sequences, 19) + 1_000) as Sequence);
      expect(await log.lastSequence(slot(0))).toBe(sequences[18]);
      const reopened = await under.reopen();
      expect(await reopened.log.lastSequence(slot(0))).toBe(sequences[18]);
      expect(await reopened.log.trimmedBefore(slot(0))).toBe(sequences[18]);
      const [next = 0] = await reopened.log.publish([entry(0, 'next')], WRITE);
      expect(next).toBeGreaterThan(at(sequences, 18));
      expect((await readMessages(reopened.log, 0, { from: at(sequences, 18), count: 2 })).map(textOf)).toEqual(['18', 'next']);
    });

    it('never moves back, and does nothing in an empty slot', async () => {
      const { log } = under.bus;
      const sequences = await publishTen();
      await log.trim(slot(1), at(sequences, 11));
      await log.trim(slot(1), at(sequences, 3));
      expect(await log.trimmedBefore(slot(1))).toBe(sequences[11]);
      await log.trim(slot(3), 5 as Sequence);
      expect(await log.trimmedBefore(slot(3))).toBe(0);
      await log.publish([entry(3, 'a')], WRITE);
      expect((await readMessages(log, 3, { count: 1 })).map(textOf)).toEqual(['a']);
    });
  });
}

import type { Sequence } from '@shoal/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogMessage, ReadOptions } from '../mutation-log.ts';
import type { BusUnderTest, OpenBus } from './bus-conformance.ts';
import { entry, readMessages, slot, textOf, WRITE } from './log-fixtures.ts';

export function readConformance(open: OpenBus): void {
  describe('read', () => {
    let under: BusUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.dispose());

    const options = (slotIndex: number, from: number, signal: AbortSignal): ReadOptions => ({
      slot: slot(slotIndex), from: from as Sequence, signal, maxMessages: 50, maxBytes: 100_000,
    });

    it('follows the log while it is written, exactly once and in order', async () => {
      const { log } = under.bus;
      const reading = readMessages(log, 1, { count: 300, maxMessages: 16 });
      for (let round = 0; round < 30; round++) {
        await log.publish(Array.from({ length: 10 }, (_, index) => entry(1, String(round * 10 + index))), WRITE);
      }
      const messages = await reading;
      expect(messages.map(textOf)).toEqual(Array.from({ length: 300 }, (_, index) => String(index)));
      expectAscending(messages);
    });

    it('says how many messages wait behind each', async () => {
      const { log } = under.bus;
      await log.publish(Array.from({ length: 30 }, (_, index) => entry(index % 3, String(index))), WRITE);
      const messages = await readMessages(log, 2, { count: 10, maxMessages: 4 });
      expect(messages.map(({ pendingCount }) => pendingCount)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    });

    it('starts in the middle', async () => {
      const { log } = under.bus;
      const sequences = await log.publish(Array.from({ length: 20 }, (_, index) => entry(index % 2, String(index))), WRITE);
      const messages = await readMessages(log, 0, { from: sequences[10] ?? 0, count: 5 });
      expect(messages.map(textOf)).toEqual(['10', '12', '14', '16', '18']);
      const fromOther = await readMessages(log, 0, { from: sequences[9] ?? 0, count: 5 });
      expect(fromOther.at(-1)?.sequence).toBe(sequences[18]);
    });

    it('gives several readers the same messages with the same times', async () => {
      const peer = await under.peer();
      await under.bus.log.publish([entry(0, 'a'), entry(0, 'b'), entry(0, 'c')], WRITE);
      const [one, two] = await Promise.all([readMessages(under.bus.log, 0, { count: 3 }), readMessages(peer.log, 0, { count: 3, maxMessages: 1 })]);
      const plain = (messages: readonly LogMessage[]) => messages.map(({ traceParent, ...message }) => ({ ...message, traceParent: traceParent?.() }));
      expect(plain(one)).toEqual(plain(two));
      expect(one.every((message) => Number.isSafeInteger(message.timeMs) && message.timeMs > 0)).toBe(true);
    });

    it('keeps groups inside their bounds, and yields what has arrived rather than waiting to fill one', async () => {
      const { log } = under.bus;
      await log.publish(Array.from({ length: 60 }, () => entry(0, 'x'.repeat(100))), WRITE);
      const sizes: number[] = [];
      await readMessages(log, 0, { count: 60, maxMessages: 7, onGroup: (group) => void sizes.push(group.length) });
      expect(Math.max(...sizes)).toBeLessThanOrEqual(7);
      expect(Math.min(...sizes)).toBeGreaterThan(0);
      await readMessages(log, 0, {
        count: 60,
        maxBytes: 250,
        onGroup: (group) => expect(group.slice(0, -1).reduce((sum, message) => sum + message.bytes.length, 0)).toBeLessThan(250),
      });
    });

    it('loses nothing to a slow reader', async () => {
      const { log } = under.bus;
      const reading = readMessages(log, 3, { count: 400, maxMessages: 20, onGroup: () => new Promise((resolve) => setTimeout(resolve, 3)) });
      for (let round = 0; round < 40; round++) {
        await log.publish(Array.from({ length: 10 }, (_, index) => entry(3, String(round * 10 + index))), WRITE);
      }
      expect((await reading).map(textOf)).toEqual(Array.from({ length: 400 }, (_, index) => String(index)));
    });

    it('ends without an error when its signal aborts, while waiting or before the start', async () => {
      const controller = new AbortController();
      const iterator = under.bus.log.read(options(0, 1, controller.signal))[Symbol.asyncIterator]();
      const waiting = iterator.next();
      setTimeout(() => controller.abort(), 20);
      expect(await waiting).toEqual({ value: undefined, done: true });
      const aborted = under.bus.log.read(options(0, 1, AbortSignal.abort()))[Symbol.asyncIterator]();
      expect((await aborted.next()).done).toBe(true);
    });

    it('can be left at any group and read again from there', async () => {
      const { log } = under.bus;
      await log.publish(Array.from({ length: 30 }, (_, index) => entry(2, String(index))), WRITE);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }), async (groupSizes) => {
          const seen: LogMessage[] = [];
          for (const maxMessages of groupSizes) {
            if (seen.length === 30) break;
            const from = (seen.at(-1)?.sequence ?? 0) + 1;
            for await (const group of log.read({ ...options(2, from, new AbortController().signal), maxMessages })) {
              seen.push(...group);
              break;
            }
          }
          expect(seen.map(textOf)).toEqual(Array.from({ length: seen.length }, (_, index) => String(index)));
        }),
        { numRuns: 10 },
      );
    });

    it('refuses to read beyond the end of the log', async () => {
      const { log } = under.bus;
      const [sequence = 0] = await log.publish([entry(0, 'a')], WRITE);
      const beyond = log.read(options(0, sequence + 2, new AbortController().signal))[Symbol.asyncIterator]();
      await expect(beyond.next()).rejects.toMatchObject({ code: 'log_incompatible' });
      const controller = new AbortController();
      const atEnd = log.read(options(0, sequence + 1, controller.signal))[Symbol.asyncIterator]();
      const next = atEnd.next();
      await log.publish([entry(0, 'b')], WRITE);
      expect((await next).value?.map(textOf)).toEqual(['b']);
      controller.abort();
    });
  });
}

function expectAscending(messages: readonly LogMessage[]): void {
  messages.slice(1).forEach((message, index) => expect(message.sequence).toBeGreaterThan(messages[index]?.sequence ?? 0));
}

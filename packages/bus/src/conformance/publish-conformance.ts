import { ShoalError } from '@shoal/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUS_LIMITS } from '../limits.ts';
import type { BusUnderTest, OpenBus } from './bus-conformance.ts';
import { entry, readMessages, slot, textOf, WRITE } from './log-fixtures.ts';

export function publishConformance(open: OpenBus): void {
  describe('publish', () => {
    let under: BusUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.dispose());

    it('gives each entry the sequence under which it is read', async () => {
      const { log } = under.bus;
      const sequences = await log.publish([entry(0, 'a'), entry(1, 'b'), entry(0, 'c'), entry(3, 'd')], WRITE);
      expect(sequences).toHaveLength(4);
      const [a, c] = await readMessages(log, 0, { count: 2 });
      const [b] = await readMessages(log, 1, { count: 1 });
      const [d] = await readMessages(log, 3, { count: 1 });
      expect([a, b, c, d].map((message) => [message?.sequence, message && textOf(message)])).toEqual([
        [sequences[0], 'a'], [sequences[1], 'b'], [sequences[2], 'c'], [sequences[3], 'd'],
      ]);
      expect(a?.subject).toBe('shoal.mut.0.7.3');
      expect(a?.slot).toBe(0);
    });

    it('keeps order and exact sequences under concurrent publishers', async () => {
      const publishers = [under.bus.log, (await under.peer()).log];
      const expected = new Map<number, Map<number, string>>([0, 1, 2, 3].map((index) => [index, new Map()]));
      await Promise.all(
        Array.from({ length: 40 }, async (_, caller) => {
          const entries = Array.from({ length: 1 + (caller % 7) * 5 }, (_unused, index) => entry((caller + index) % 4, `${caller}:${index}`));
          const sequences = await publishers[caller % 2]?.publish(entries, WRITE);
          entries.forEach((each, index) => expected.get(each.address.slot)?.set(sequences?.[index] ?? -1, new TextDecoder().decode(each.bytes)));
        }),
      );
      for (const [index, bySequence] of expected) {
        const messages = await readMessages(under.bus.log, index, { count: bySequence.size });
        expect(new Map(messages.map((message) => [message.sequence as number, textOf(message)]))).toEqual(bySequence);
        expectCallersInOrder(messages.map(textOf));
      }
    });

    it('carries a call of more entries than one group commit takes', async () => {
      const entries = Array.from({ length: BUS_LIMITS.groupEntries * 2 + 1 }, (_, index) => entry(2, String(index)));
      const sequences = await under.bus.log.publish(entries, WRITE);
      expect([...sequences].sort((a, b) => a - b)).toEqual(sequences);
      const messages = await readMessages(under.bus.log, 2, { count: entries.length, maxMessages: 1_000 });
      expect(messages.map((message) => message.sequence)).toEqual(sequences);
      expect(messages.map(textOf)).toEqual(entries.map((_, index) => String(index)));
    });

    it('lets the same operation be published again, alone and among others', async () => {
      const { log } = under.bus;
      const repeated = entry(1, 'again');
      const [first] = await log.publish([repeated], WRITE);
      const [second] = await log.publish([repeated], WRITE);
      const [, third] = await log.publish([entry(1, 'before'), repeated, entry(1, 'after')], WRITE);
      const both = await log.publish([repeated, repeated], WRITE);
      const byText = new Map<string, number[]>();
      await log.publish([entry(1, 'end')], WRITE);
      await readUntilText(under, 1, 'end', (sequence, text) => byText.set(text, [...(byText.get(text) ?? []), sequence]));
      for (const sequence of [first, second, third, ...both]) expect(byText.get('again')).toContain(sequence);
      expect(byText.get('before')).toHaveLength(1);
      expect(byText.get('after')).toHaveLength(1);
    });

    it('lets the trace context of an entry reach a reader that is up to date, alone and among others, and nothing else depend on it', async () => {
      const { log } = under.bus;
      const traced = { ...entry(1, 'traced'), traceParent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
      await log.publish([traced], WRITE);
      await log.publish([entry(1, 'plain'), { ...entry(1, 'too'), traceParent: traced.traceParent }], WRITE);
      const messages = await readMessages(log, 1, { count: 3 });
      expect(messages.map((message) => [textOf(message), message.traceParent?.()])).toEqual([['traced', traced.traceParent], ['plain', undefined], ['too', traced.traceParent]]);
    });

    it('tells how large the log is, which grows with what is written', async () => {
      const { log } = under.bus;
      const bytes = async (): Promise<number> => (await log.sizes()).reduce((sum, size) => sum + size.bytes, 0);
      const before = await bytes();
      // More than an embedded log gathers in memory before it is in a file whose size is known.
      for (let index = 0; index < 6; index += 1) await log.publish(Array.from({ length: 6 }, () => ({ ...entry(index % 4, ''), bytes: new Uint8Array(BUS_LIMITS.entryBytes).fill(index) })), WRITE);
      await expect.poll(bytes, { timeout: 20_000 }).toBeGreaterThan(before + BUS_LIMITS.entryBytes);
      expect(new Set((await log.sizes()).map(({ stream }) => stream)).size).toBe((await log.sizes()).length);
    });

    it('resolves an empty call', async () => {
      expect(await under.bus.log.publish([], WRITE)).toEqual([]);
    });

    it('refuses an entry over the limit and takes others after it', async () => {
      const { log } = under.bus;
      const refusal = log.publish([{ ...entry(0, ''), bytes: new Uint8Array(BUS_LIMITS.entryBytes + 1) }], WRITE);
      await expect(refusal).rejects.toMatchObject({ code: 'invalid_field', limit: BUS_LIMITS.entryBytes });
      const largest = new Uint8Array(BUS_LIMITS.entryBytes).fill(5);
      const [sequence] = await log.publish([{ ...entry(0, ''), bytes: largest }], WRITE);
      const [message] = await readMessages(log, 0, { count: 1, maxBytes: 1_000 });
      expect(message?.sequence).toBe(sequence);
      expect(Buffer.compare(message?.bytes ?? new Uint8Array(0), largest)).toBe(0);
    });

    it('refuses what goes beyond its queue with overloaded, and keeps what it accepted', async () => {
      const { log } = under.bus;
      const calls = Array.from({ length: 160 }, (_, index) => ({ ...entry(0, ''), bytes: new Uint8Array(512 * 1024).fill(index) }));
      const outcomes = await Promise.allSettled(calls.map((each) => log.publish([each], { timeoutMs: 60_000 })));
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected').map((outcome) => outcome.reason as unknown);
      expect(refused.length).toBeGreaterThan(0);
      for (const reason of refused) expect(reason instanceof ShoalError && reason.code).toBe('overloaded');
      const accepted = outcomes.flatMap((outcome, index) => (outcome.status === 'fulfilled' ? [[outcome.value[0], index]] : []));
      const messages = await readMessages(log, 0, { count: accepted.length, maxBytes: 4 * 1024 * 1024 });
      expect(messages.map((message) => [message.sequence, message.bytes[0]])).toEqual(accepted);
    });

    it('tells the last sequence of each slot', async () => {
      const { log } = under.bus;
      expect(await log.lastSequence(slot(2))).toBe(0);
      const sequences = await log.publish([entry(2, 'x'), entry(1, 'y'), entry(2, 'z'), entry(3, 'w')], WRITE);
      expect(await log.lastSequence(slot(2))).toBe(sequences[2]);
      expect(await log.lastSequence(slot(1))).toBe(sequences[1]);
      expect(await log.lastSequence(slot(0))).toBe(0);
    });
  });
}

/** Texts are `caller:index`: whatever the callers' order among each other, each caller's own indexes ascend. */
function expectCallersInOrder(texts: readonly string[]): void {
  const last = new Map<string, number>();
  for (const text of texts) {
    const [caller = '', index = ''] = text.split(':');
    expect(Number(index)).toBeGreaterThan(last.get(caller) ?? -1);
    last.set(caller, Number(index));
  }
}

async function readUntilText(under: BusUnderTest, slotIndex: number, end: string, each: (sequence: number, text: string) => void): Promise<void> {
  const controller = new AbortController();
  for await (const group of under.bus.log.read({ slot: slot(slotIndex), from: 1 as never, signal: controller.signal, maxMessages: 10, maxBytes: 1_000 })) {
    for (const message of group) {
      each(message.sequence, textOf(message));
      if (textOf(message) === end) controller.abort();
    }
  }
}

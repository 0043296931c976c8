import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BusUnderTest, OpenBus } from './bus-conformance.ts';
import { entry, readMessages, slot, textOf, WRITE } from './log-fixtures.ts';

export function lifecycleConformance(open: OpenBus): void {
  describe('closing and opening', () => {
    let under: BusUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.dispose());

    it('finds log and registry as they were', async () => {
      const before = await under.bus.log.publish([entry(0, 'a'), entry(1, 'b'), entry(0, 'c')], WRITE);
      const revision = (await under.bus.registry.create('embedding.1', new Uint8Array([1, 2]))) ?? 0;
      const bus = await under.reopen();
      expect((await readMessages(bus.log, 0, { count: 2 })).map((message) => [message.sequence, textOf(message)])).toEqual([[before[0], 'a'], [before[2], 'c']]);
      expect(await bus.log.lastSequence(slot(1))).toBe(before[1]);
      expect(await bus.registry.get('embedding.1')).toEqual({ key: 'embedding.1', value: new Uint8Array([1, 2]), revision });
      const [after = 0] = await bus.log.publish([entry(0, 'd')], WRITE);
      expect(after).toBeGreaterThan(before[2] ?? 0);
      expect(await bus.registry.update('embedding.1', new Uint8Array([3]), revision)).toBeGreaterThan(revision);
    });

    it('finishes publishes under way, ends readers, then refuses', async () => {
      const { bus } = under;
      expect(bus.connected()).toBe(true);
      const reading = readMessages(bus.log, 1, { count: 1_000 });
      const waiting = bus.log.read({ slot: slot(2), from: 1 as never, signal: new AbortController().signal, maxMessages: 1, maxBytes: 1 })[Symbol.asyncIterator]().next();
      const writing = bus.log.publish([entry(1, 'last')], WRITE);
      await Promise.all([bus.close(), bus.close()]);
      expect(await writing).toHaveLength(1);
      await reading;
      expect((await waiting).done).toBe(true);
      expect(bus.connected()).toBe(false);
      await expect(bus.log.publish([entry(1, 'x')], WRITE)).rejects.toMatchObject({ code: 'not_ready' });
      await expect(bus.requests.request('shoal.q.1', new Uint8Array(1), { timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'not_ready' });
      await expect(bus.registry.get('embedding.1')).rejects.toMatchObject({ code: 'not_ready' });
    });
  });
}

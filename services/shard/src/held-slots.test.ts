import { setImmediate as turn } from 'node:timers/promises';
import { systemTimers } from '@shoal/pacing';
import type { Sequence, Slot, SlotStatus } from '@shoal/protocol';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { HeldSlots } from './held-slots.ts';
import type { SlotWorker } from './slot-worker.ts';

const slots = (...numbers: number[]): ReadonlySet<Slot> => new Set(numbers as Slot[]);

/** Workers that run until they are stopped, and a record of what happened to each slot. */
function recorded(giveUp: (slot: Slot) => Promise<void> = async () => undefined): { held: HeldSlots; events: string[] } {
  const events: string[] = [];
  const newWorker = (slot: Slot): SlotWorker => {
    events.push(`begin ${slot}`);
    return {
      slot,
      status: (): SlotStatus => ({ slot, ready: true, appliedSequence: 1 as Sequence, setAsideCount: 0, embeddingCount: 0, vectorCount: 0 }),
      run: (signal: AbortSignal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => {
        events.push(`end ${slot}`);
        setImmediate(resolve);
      })),
    } as SlotWorker;
  };
  const held = new HeldSlots({
    newWorker,
    giveUp: async (slot) => {
      events.push(`give up ${slot}`);
      await giveUp(slot);
    },
    onEnd: () => undefined, onChange: () => undefined, timers: systemTimers, logger: pino({ level: 'silent' }),
  });
  return { held, events };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

describe('the slots that a shard holds', () => {
  it('follow what is wanted, and a slot is reported until nothing of it is left', async () => {
    const gate = Promise.withResolvers<void>();
    const { held, events } = recorded(() => gate.promise);
    held.hold(slots(1, 2));
    expect(held.statuses().map(({ slot, ready }) => [slot, ready])).toEqual([[1, true], [2, true]]);
    held.hold(slots(2, 3));
    await until(() => events.includes('give up 1'));
    expect(held.statuses().map(({ slot, ready }) => [slot, ready])).toEqual([[1, false], [2, true], [3, true]]);
    gate.resolve();
    await until(() => held.statuses().length === 2);
    expect(events).toEqual(['begin 1', 'begin 2', 'begin 3', 'end 1', 'give up 1']);
    await held.close();
  });

  it('begin again only after they were given up, when they are wanted meanwhile', async () => {
    const gate = Promise.withResolvers<void>();
    const { held, events } = recorded(() => gate.promise);
    held.hold(slots(1));
    held.hold(slots());
    held.hold(slots(1));
    await until(() => events.includes('give up 1'));
    expect(held.statuses().map(({ ready }) => ready)).toEqual([false]);
    gate.resolve();
    await until(() => events.length === 4);
    expect(events).toEqual(['begin 1', 'end 1', 'give up 1', 'begin 1']);
    await held.close();
  });

  it('are given up though it fails at first, and also when only rows of an earlier run are left', async () => {
    let failures = 2;
    const { held, events } = recorded(async () => {
      failures -= 1;
      if (failures >= 0) throw new Error('the registry is away');
    });
    held.release(7 as Slot);
    expect(held.statuses().map(({ slot, ready }) => [slot, ready])).toEqual([[7, false]]);
    await until(() => held.statuses().length === 0);
    expect(events).toEqual(['give up 7', 'give up 7', 'give up 7']);
    await held.close();
  });

  it('are never given up while they are wanted, and not after the end', async () => {
    const { held, events } = recorded();
    held.hold(slots(1));
    held.release(1 as Slot);
    await held.close();
    held.hold(slots(1, 2));
    expect(events).toEqual(['begin 1', 'end 1']);
  });
});

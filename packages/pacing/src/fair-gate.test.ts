import { describe, expect, it } from 'vitest';
import { FairGate } from './fair-gate.ts';
import type { Timers } from './clock.ts';

/** Timers that ring when the test says so. */
class HandTimers implements Timers {
  readonly #pending = new Set<() => void>();

  after(_delayMs: number, callback: () => void): () => void {
    this.#pending.add(callback);
    return () => void this.#pending.delete(callback);
  }

  get count(): number {
    return this.#pending.size;
  }

  ring(): void {
    for (const callback of this.#pending) callback();
  }
}

function newGate(options: { places?: number; placesPerTenant?: number; waiting?: number } = {}): { gate: FairGate; timers: HandTimers } {
  const timers = new HandTimers();
  const gate = new FairGate({ places: 2, placesPerTenant: 2, waiting: 4, waitMs: 1_000, quantum: 1, costMaximum: 8, subject: 'tests', timers, ...options });
  return { gate, timers };
}

const outcome = (entry: Promise<void> | undefined): Promise<string> => (entry === undefined ? Promise.resolve('in') : entry.then(() => 'in', (error: { code?: string }) => error.code ?? 'aborted'));

describe('a fair gate', () => {
  it('lets in at once while there is room, then by turns of tenants', async () => {
    const { gate } = newGate();
    expect(gate.enter('noisy')).toBeUndefined();
    expect(gate.enter('noisy')).toBeUndefined();
    const order: string[] = [];
    for (const name of ['noisy1', 'noisy2', 'quiet1']) {
      const tenant = name.slice(0, -1);
      void gate.enter(tenant)?.then(() => order.push(name));
    }
    for (let left = 0; left < 3; left += 1) {
      gate.leave('noisy');
      await Promise.resolve();
    }
    expect(order).toEqual(['noisy1', 'quiet1', 'noisy2']);
  });

  it('turns away the newest of whoever waits most when too many wait', async () => {
    const { gate } = newGate();
    gate.enter('x');
    gate.enter('x');
    const noisy = [0, 1, 2, 3].map(() => outcome(gate.enter('noisy')));
    const quiet = outcome(gate.enter('quiet'));
    expect(await noisy[3]).toBe('overloaded');
    gate.leave('x');
    gate.leave('x');
    expect(await quiet).toBe('in');
    expect(gate.waiting).toBe(2);
  });

  it('keeps places for others when one tenant has taken all of its own', async () => {
    const { gate } = newGate({ places: 3, placesPerTenant: 2 });
    gate.enter('a');
    gate.enter('a');
    const third = outcome(gate.enter('a'));
    expect(await outcome(gate.enter('b'))).toBe('in');
    gate.leave('a');
    expect(await third).toBe('in');
    expect(gate.inside).toBe(3);
  });

  it('turns away who waits too long, and forgets who went away', async () => {
    const { gate, timers } = newGate();
    gate.enter('a');
    gate.enter('a');
    const controller = new AbortController();
    const gone = outcome(gate.enter('b', 1, controller.signal));
    const late = outcome(gate.enter('b'));
    controller.abort(new Error('gone'));
    expect(await gone).toBe('aborted');
    timers.ring();
    expect(await late).toBe('overloaded');
    expect(timers.count).toBe(0);
    gate.leave('a');
    gate.leave('a');
    expect(gate.inside).toBe(0);
    expect(gate.enter('c')).toBeUndefined();
  });

  it('lets several places be taken and waited for at once, and turns away who wants most', async () => {
    const { gate } = newGate({ waiting: 6 });
    expect(gate.enter('a', 3, undefined, 3)).toBeUndefined();
    expect(gate.inside).toBe(3);
    const many = [0, 1].map(() => outcome(gate.enter('many', 3, undefined, 3)));
    const few = outcome(gate.enter('few'));
    expect(gate.waiting).toBe(4);
    expect(await many[1]).toBe('overloaded');
    gate.leave('a', 3);
    expect(await Promise.all([many[0], few])).toEqual(['in', 'in']);
    expect([gate.inside, gate.waiting]).toEqual([4, 0]);
  });
});

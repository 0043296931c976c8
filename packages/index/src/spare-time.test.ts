import { expect, test } from 'vitest';
import { OWN_CPU_HIGH, OWN_CPU_LOW, OWN_LONG_MS, OWN_LOOK_MS, OWN_REST, OWN_TURN_MS } from './limits.ts';
import { SpareTime } from './spare-time.ts';
import type { ThreadTime } from './thread-time.ts';

/** A thread whose time passes as the test says. */
class ModelThread implements ThreadTime {
  now = 0;
  cpu = 0;
  #next: (() => void)[] = [];

  nowMs(): number { return this.now; }
  cpuMs(): number { return this.cpu; }
  nextTurn(callback: () => void): void { this.#next.push(callback); }

  work(ms: number): void {
    this.now += ms;
    this.cpu += ms;
  }

  /** Ends the turn; the thread waits for something so long. */
  turn(idleMs = 0): void {
    this.now += idleMs;
    for (const callback of this.#next.splice(0)) callback();
  }
}

test('is given while a turn is short, and again in the next', () => {
  const thread = new ModelThread();
  const spare = new SpareTime(thread);
  const spend = (): boolean => spare.spend(() => thread.work(OWN_TURN_MS / 4));
  expect(Array.from({ length: 6 }, spend)).toEqual([true, true, true, true, false, false]);
  thread.turn(1);
  expect(spend()).toBe(true);
});

test('ends for a while with a search that took long', () => {
  const thread = new ModelThread();
  const spare = new SpareTime(thread);
  expect(spare.spend(() => thread.work(OWN_LONG_MS))).toBe(true);
  thread.turn(OWN_LONG_MS * OWN_REST - 1);
  expect(spare.spend(() => undefined)).toBe(false);
  thread.turn(1);
  expect(spare.spend(() => undefined)).toBe(true);
});

/** Turns that each have `otherMs` of other work and a search of a millisecond for as long as there is time, and what of the thread's time they took at last. */
function held(spare: SpareTime, thread: ModelThread, otherMs: number, idleMs: number, turns: number): { readonly taken: number; readonly given: number } {
  let given = 0;
  let [fromMs, fromCpuMs] = [0, 0];
  for (let turn = 0; turn < turns; turn++) {
    if (turn === turns / 2) [fromMs, fromCpuMs, given] = [thread.now, thread.cpu, 0];
    thread.work(otherMs);
    if (spare.spend(() => thread.work(1))) given++;
    thread.turn(idleMs);
  }
  return { taken: (thread.cpu - fromCpuMs) / (thread.now - fromMs), given: given / (turns / 2) };
}

test('is all given by a thread that mostly waits', () => {
  const thread = new ModelThread();
  expect(held(new SpareTime(thread), thread, 0.2, 2, 4_000).given).toBe(1);
});

test('is not given by a thread that has no time to spare', () => {
  const thread = new ModelThread();
  const spare = new SpareTime(thread);
  expect(held(spare, thread, 1, 0.05, 4_000).given).toBe(0);
  expect(spare.share).toBe(0);
  expect(held(spare, thread, 0.2, 5, 4_000).given).toBe(1);
});

test('is given in part where all of it would be too much, so that the thread is busy within bounds', () => {
  const thread = new ModelThread();
  const { taken, given } = held(new SpareTime(thread), thread, 0.3, 0.1, 400 * OWN_LOOK_MS);
  expect(given).toBeGreaterThan(0);
  expect(given).toBeLessThan(1);
  expect(taken).toBeGreaterThan(OWN_CPU_LOW - 0.1);
  expect(taken).toBeLessThan(OWN_CPU_HIGH + 0.05);
});

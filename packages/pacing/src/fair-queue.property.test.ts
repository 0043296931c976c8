import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';

const QUANTUM = 4;
const COST_MAXIMUM = 8;
const newQueue = <Item>(): FairQueue<Item> => new FairQueue<Item>({ quantum: QUANTUM, costMaximum: COST_MAXIMUM });
const tenants = fc.constantFrom('a', 'b', 'c', 'd');

it('gives out everything exactly once, each tenant in its own order', () => {
  fc.assert(fc.property(fc.array(fc.oneof(
    fc.record({ type: fc.constant('push' as const), tenant: tenants, cost: fc.integer({ min: 0, max: 20 }), weight: fc.integer({ min: 1, max: 16 }) }),
    fc.record({ type: fc.constant('take' as const) }),
    fc.record({ type: fc.constant('drop' as const), tenant: tenants }),
    fc.record({ type: fc.constant('prune' as const), of: fc.integer({ min: 2, max: 3 }) }),
  ), { maxLength: 300 }), (steps) => {
    const queue = newQueue<{ tenant: string; number: number }>();
    const model = new Map<string, number[]>();
    const waiting = (): number => [...model.values()].reduce((sum, { length }) => sum + length, 0);
    const weights = new Map<number, number>();
    const weightOf = (numbers: readonly number[] = []): number => numbers.reduce((sum, each) => sum + (weights.get(each) ?? 0), 0);
    let number = 0;
    for (const step of steps) {
      if (step.type === 'push') {
        number += 1;
        weights.set(number, step.weight);
        queue.push(step.tenant, { tenant: step.tenant, number }, step.cost, step.weight);
        model.set(step.tenant, [...(model.get(step.tenant) ?? []), number]);
      } else if (step.type === 'prune') {
        queue.prune((item) => item.number % step.of === 0);
        for (const [tenant, numbers] of model) model.set(tenant, numbers.filter((each) => each % step.of !== 0));
      } else if (step.type === 'drop') {
        expect(queue.dropNewest(step.tenant)?.number).toBe(model.get(step.tenant)?.pop());
      } else {
        const taken = queue.take();
        if (waiting() === 0) expect(taken).toBeUndefined();
        else expect(taken?.number).toBe(model.get(taken?.tenant ?? '')?.shift());
      }
      expect(queue.size).toBe(waiting());
      expect(queue.weight).toBe(weightOf([...model.values()].flat()));
      expect(weightOf(model.get(queue.longest() ?? ''))).toBe(Math.max(0, ...[...model.values()].map(weightOf)));
    }
  }));
});

it('gives tenants that always have something waiting equal shares of the cost, whatever each asks for', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: COST_MAXIMUM }), fc.integer({ min: 1, max: COST_MAXIMUM }), fc.integer({ min: 1, max: 400 }), (costA, costB, takes) => {
    const queue = newQueue<{ tenant: 'a' | 'b'; cost: number }>();
    const spent = { a: 0, b: 0 };
    for (let index = 0; index < 400; index += 1) {
      queue.push('a', { tenant: 'a', cost: costA }, costA);
      queue.push('b', { tenant: 'b', cost: costB }, costB);
    }
    for (let index = 0; index < takes; index += 1) {
      const taken = queue.take();
      if (taken !== undefined) spent[taken.tenant] += taken.cost;
    }
    expect(Math.abs(spent.a - spent.b)).toBeLessThanOrEqual(QUANTUM + COST_MAXIMUM);
  }));
});

it('passes over tenants that may not go, and finds the one that may', () => {
  const queue = newQueue<string>();
  queue.push('a', 'a1');
  queue.push('b', 'b1');
  queue.push('c', 'c1');
  expect(queue.take((tenant) => tenant === 'c')).toBe('c1');
  expect(queue.take(() => false)).toBeUndefined();
  expect(queue.longest()).toBeDefined();
  expect([queue.take(), queue.take(), queue.take()].sort()).toEqual(['a1', 'b1', undefined]);
});

import type { VecId } from '@shoal/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdAllocator } from './id-allocator.ts';

const GRACE = 5;
const step = fc.record({ free: fc.boolean(), pick: fc.nat(), end: fc.constantFrom('none', 'commit', 'rollback') });

/** What the allocator should do, kept as plain sets and a list. */
class Model {
  live = new Set<number>();
  freed: { id: number; at: number }[] = [];
  next = 0;

  copy(): Model {
    const copy = new Model();
    copy.live = new Set(this.live);
    copy.freed = [...this.freed];
    copy.next = this.next;
    return copy;
  }
}

describe('IdAllocator', () => {
  it('gives out each id once, recycles oldest first after the grace period, and undoes to the last commit', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const allocator = new IdAllocator({ nextId: 0, freedHead: 0, freed: [] }, GRACE);
        let model = new Model();
        let committed = model.copy();
        for (const [operationCount, { free, pick, end }] of steps.entries()) {
          const live = [...model.live];
          if (free && live.length > 0) {
            const id = live[pick % live.length] as number;
            allocator.free({ id: id as VecId, freedAtOperation: operationCount });
            model.live.delete(id);
            model.freed.push({ id, at: operationCount });
          } else {
            const oldest = model.freed[0];
            const recycled = oldest !== undefined && oldest.at + GRACE <= operationCount;
            const expected = recycled ? oldest.id : model.next;
            const allocation = allocator.allocate(operationCount);
            expect(allocation?.id).toBe(expected);
            expect(allocation?.recycledFrom !== undefined).toBe(recycled);
            if (recycled) model.freed.shift();
            else model.next += 1;
            expect(model.live.has(expected)).toBe(false);
            model.live.add(expected);
          }
          if (end === 'commit') {
            allocator.commit();
            committed = model.copy();
          } else if (end === 'rollback') {
            allocator.rollback();
            model = committed.copy();
          }
          expect(allocator.nextId).toBe(model.next);
          expect(allocator.freedTail - allocator.freedHead).toBe(model.freed.length);
        }
      }),
    );
  });

  it('continues after a restart where it was', () => {
    const before = new IdAllocator({ nextId: 0, freedHead: 0, freed: [] }, GRACE);
    for (let index = 0; index < 4; index += 1) before.allocate(index);
    before.free({ id: 2 as VecId, freedAtOperation: 4 });
    before.free({ id: 0 as VecId, freedAtOperation: 5 });
    before.commit();
    const after = new IdAllocator(
      { nextId: before.nextId, freedHead: before.freedHead, freed: [{ id: 2 as VecId, freedAtOperation: 4 }, { id: 0 as VecId, freedAtOperation: 5 }] },
      GRACE,
    );
    for (const operationCount of [6, 9, 10, 11]) expect(after.allocate(operationCount)).toEqual(before.allocate(operationCount));
  });
});

import type { ShardId, Slot } from '@shoal/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { desiredReplicas, type PlaceableShard } from './desired-replicas.ts';

const shardsOf = (count: number, capacity: (index: number) => number = () => 1): PlaceableShard[] =>
  Array.from({ length: count }, (_unused, index) => ({ shard: `shard-${index}` as ShardId, capacity: capacity(index), takes: true, isAway: false }));
const empty = (slots: number): ShardId[][] => Array.from({ length: slots }, () => []);
const noPins = new Map<Slot, ShardId>();

function loadOf(plan: readonly (readonly ShardId[])[], shard: ShardId): number {
  return plan.filter((held) => held.includes(shard)).length;
}

/** Replicas that one plan has and the other has not. */
function movesBetween(before: readonly (readonly ShardId[])[], after: readonly (readonly ShardId[])[]): number {
  return after.reduce((sum, held, slot) => sum + held.filter((shard) => !before[slot]?.includes(shard)).length, 0);
}

const sizes = fc.record({ slots: fc.integer({ min: 1, max: 96 }), shards: fc.integer({ min: 1, max: 9 }), replicas: fc.integer({ min: 1, max: 4 }) });

describe('desired replicas', () => {
  it('are different shards, as many as asked for, and spread as evenly as whole slots can be', () => {
    fc.assert(fc.property(sizes, ({ slots, shards: count, replicas }) => {
      const shards = shardsOf(count);
      const plan = desiredReplicas({ replicas, shards, holders: empty(slots), pins: noPins });
      for (const held of plan) expect(new Set(held).size).toBe(Math.min(replicas, count));
      const loads = shards.map(({ shard }) => loadOf(plan, shard));
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
    }));
  });

  it('stay where they are when nothing changes', () => {
    fc.assert(fc.property(sizes, ({ slots, shards: count, replicas }) => {
      const shards = shardsOf(count);
      const plan = desiredReplicas({ replicas, shards, holders: empty(slots), pins: noPins });
      expect(movesBetween(plan, desiredReplicas({ replicas, shards, holders: plan, pins: noPins }))).toBe(0);
    }));
  });

  it('move to a shard that joins only as much as makes its share', () => {
    fc.assert(fc.property(sizes, ({ slots, shards: count, replicas }) => {
      fc.pre(count >= replicas);
      const before = desiredReplicas({ replicas, shards: shardsOf(count), holders: empty(slots), pins: noPins });
      const after = desiredReplicas({ replicas, shards: shardsOf(count + 1), holders: before, pins: noPins });
      expect(movesBetween(before, after)).toBeLessThanOrEqual(Math.ceil((slots * replicas) / (count + 1)));
      expect(movesBetween(before, after)).toBe(loadOf(after, `shard-${count}` as ShardId));
    }));
  });

  it('leave a shard that goes, and nothing else moves', () => {
    fc.assert(fc.property(sizes, ({ slots, shards: count, replicas }) => {
      fc.pre(count > replicas);
      const before = desiredReplicas({ replicas, shards: shardsOf(count), holders: empty(slots), pins: noPins });
      const remaining = shardsOf(count).slice(1);
      const after = desiredReplicas({ replicas, shards: remaining, holders: before, pins: noPins });
      const lost = loadOf(before, 'shard-0' as ShardId);
      expect(movesBetween(before, after)).toBeGreaterThanOrEqual(lost);
      // Filling may leave one shard a replica short where it held the other already.
      expect(movesBetween(before, after)).toBeLessThanOrEqual(lost + remaining.length);
    }));
  });

  it('follow capacity', () => {
    const shards = shardsOf(3, (index) => [1, 2, 5][index] ?? 1);
    const plan = desiredReplicas({ replicas: 1, shards, holders: empty(64), pins: noPins });
    expect(shards.map(({ shard }) => loadOf(plan, shard))).toEqual([8, 16, 40]);
    // A shard holds a slot once: what the greatest cannot take goes to the others.
    const pairs = desiredReplicas({ replicas: 2, shards, holders: empty(64), pins: noPins });
    expect(shards.map(({ shard }) => loadOf(pairs, shard))).toEqual([21, 43, 64]);
  });

  it('hold to a pin, through every balancing', () => {
    fc.assert(fc.property(sizes, fc.integer({ min: 0, max: 8 }), ({ slots, shards: count, replicas }, index) => {
      const shards = shardsOf(count);
      const pinned = shards[index % count]?.shard ?? ('x' as ShardId);
      const pins = new Map(Array.from({ length: Math.min(slots, 5) }, (_unused, slot): [Slot, ShardId] => [slot as Slot, pinned]));
      const plan = desiredReplicas({ replicas, shards, holders: desiredReplicas({ replicas, shards, holders: empty(slots), pins: noPins }), pins });
      for (const slot of pins.keys()) expect(plan[slot]).toContain(pinned);
      for (const held of plan) expect(new Set(held).size).toBe(Math.min(replicas, count));
    }));
  });

  it('stay with a shard that is away; a slot that nobody else holds is answered for by one more', () => {
    const shards = shardsOf(4);
    const before = desiredReplicas({ replicas: 2, shards, holders: empty(64), pins: noPins });
    const away = shards.map((shard, index) => ({ ...shard, takes: index !== 1, isAway: index === 1 }));
    expect(desiredReplicas({ replicas: 2, shards: away, holders: before, pins: noPins }).map((held) => held.toSorted())).toEqual(before.map((held) => held.toSorted()));
    const single = desiredReplicas({ replicas: 1, shards, holders: empty(64), pins: noPins });
    const covered = desiredReplicas({ replicas: 1, shards: away, holders: single, pins: noPins });
    covered.forEach((held, slot) => {
      const lonely = single[slot]?.[0] === 'shard-1';
      expect(held).toHaveLength(lonely ? 2 : 1);
      expect(held).toContain(single[slot]?.[0]);
    });
  });
});

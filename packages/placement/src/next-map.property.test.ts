import type { PlacementMap, ShardId, Slot } from '@shoal/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLACEMENT_LIMITS } from './limits.ts';
import { nextMap, type ClusterFacts, type Presence, type ShardFacts } from './next-map.ts';

const shardAt = (index: number): ShardId => `shard-${index}` as ShardId;
const emptyMap = (slots: number, replicas: number): PlacementMap => ({ epoch: 1, replicas, drained: [], pins: new Map(), slots: Array.from({ length: slots }, () => []) });

/** Shards that do what the map says, one slot at a time and late. */
class ModelShards {
  readonly presence = new Map<ShardId, Presence>();
  readonly held = new Map<ShardId, Map<Slot, boolean>>();

  add(shard: ShardId): void {
    this.presence.set(shard, 'present');
    if (!this.held.has(shard)) this.held.set(shard, new Map());
  }

  facts(): ClusterFacts {
    return new Map([...this.presence].map(([shard, presence]): [ShardId, ShardFacts] => [shard, { presence, capacity: 1, slots: new Map(this.held.get(shard)) }]));
  }

  /** `happens` decides for every single change whether it happens now. */
  follow(map: PlacementMap, happens: () => boolean): void {
    for (const [shard, held] of this.held) {
      if (this.presence.get(shard) !== 'present') continue;
      map.slots.forEach((entries, index) => {
        const slot = index as Slot;
        const wanted = entries.some((entry) => entry.shard === shard && entry.state !== 'leaving');
        if (!happens()) return;
        if (!wanted) held.delete(slot);
        else held.set(slot, held.has(slot));
      });
    }
  }

  answering(slot: Slot): ShardId[] {
    return [...this.held].filter(([shard, held]) => this.presence.get(shard) === 'present' && held.get(slot) === true).map(([shard]) => shard);
  }
}

function requireSettled(map: PlacementMap, shards: readonly ShardId[]): void {
  const wanted = Math.min(map.replicas, shards.length);
  for (const entries of map.slots) {
    expect(entries.every(({ state }) => state === 'ready')).toBe(true);
    expect(new Set(entries.map(({ shard }) => shard)).size).toBe(wanted);
  }
  const loads = shards.map((shard) => map.slots.filter((entries) => entries.some((entry) => entry.shard === shard)).length);
  expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
  expect(loads.reduce((sum, load) => sum + load, 0)).toBe(wanted * map.slots.length);
}

function settle(map: PlacementMap, model: ModelShards, happens: () => boolean = () => true): PlacementMap {
  let current = map;
  for (let turn = 0; turn < 2_000; turn += 1) {
    const answeredBefore = current.slots.map((_entries, slot) => model.answering(slot as Slot).length);
    const next = nextMap(current, model.facts());
    current = next ?? current;
    model.follow(current, happens);
    current.slots.forEach((_entries, slot) => {
      if ((answeredBefore[slot] ?? 0) > 0) expect(model.answering(slot as Slot).length).toBeGreaterThan(0);
    });
    if (next === undefined && nextMap(current, model.facts()) === undefined && current.slots.flat().every(({ state }) => state === 'ready')) return current;
  }
  throw new Error('the map does not come to rest');
}

describe('the next map', () => {
  it('spreads slots over the shards that are there, and then rests', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 96 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 3 }), (slots, count, replicas) => {
      const model = new ModelShards();
      for (let index = 0; index < count; index += 1) model.add(shardAt(index));
      requireSettled(settle(emptyMap(slots, replicas), model), [...model.presence.keys()]);
    }), { numRuns: 40, examples: [[23, 5, 3]] });
  });

  it('moves to a new shard and off a drained one without a slot that nobody answers for, in whatever order shards act', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 32 }), fc.integer({ min: 2, max: 5 }), fc.infiniteStream(fc.boolean()), (slots, count, choices) => {
      const model = new ModelShards();
      for (let index = 0; index < count; index += 1) model.add(shardAt(index));
      const before = settle(emptyMap(slots, 2), model);
      model.add(shardAt(count));
      let asked = 0;
      const happens = (): boolean => (asked += 1) % 5 === 0 || (choices.next().value as boolean);
      const after = settle({ ...before, drained: [shardAt(0)] }, model, happens);
      requireSettled(after, [...model.presence.keys()].filter((shard) => shard !== shardAt(0)));
      expect(model.held.get(shardAt(0))?.size).toBe(0);
    }), { numRuns: 60 });
  });

  it('leaves the slots of a shard that is away alone, and replaces them when it is gone', () => {
    const model = new ModelShards();
    for (let index = 0; index < 4; index += 1) model.add(shardAt(index));
    const before = settle(emptyMap(64, 2), model);
    model.presence.set(shardAt(1), 'absent');
    expect(nextMap(before, model.facts())).toBeUndefined();
    model.presence.set(shardAt(1), 'gone');
    const after = settle(before, model);
    requireSettled(after, [shardAt(0), shardAt(2), shardAt(3)]);
    model.presence.set(shardAt(1), 'absent');
    expect(nextMap(after, model.facts())).toBeUndefined();
  });

  it('gives a slot whose only holder is away to another shard, and back when it returns', () => {
    const model = new ModelShards();
    for (let index = 0; index < 3; index += 1) model.add(shardAt(index));
    const before = settle(emptyMap(12, 1), model);
    model.presence.set(shardAt(0), 'absent');
    const covered = settle(before, model);
    covered.slots.forEach((entries, slot) => expect(entries.map(({ shard }) => shard)).toContain(before.slots[slot]?.[0]?.shard));
    model.presence.set(shardAt(0), 'present');
    expect(settle(covered, model).slots).toEqual(before.slots);
  });

  it('begins only so many restores on one shard, except of slots that nobody holds', () => {
    const model = new ModelShards();
    model.add(shardAt(0));
    const first = nextMap(emptyMap(64, 2), model.facts());
    expect(first?.slots.flat().filter(({ state }) => state === 'joining')).toHaveLength(64);
    const before = settle(emptyMap(64, 2), model);
    model.add(shardAt(1));
    const next = nextMap(before, model.facts());
    expect(next?.slots.flat().filter(({ state }) => state === 'joining')).toHaveLength(PLACEMENT_LIMITS.joinsPerShard);
  });

  it('changes nothing while nobody is there', () => {
    const model = new ModelShards();
    model.add(shardAt(0));
    const before = settle(emptyMap(4, 2), model);
    model.presence.set(shardAt(0), 'gone');
    expect(nextMap(before, model.facts())).toBeUndefined();
  });

  it('lets nobody leave before those who come have once kept pace, and asks that of each once only', () => {
    const [a, b] = [shardAt(0), shardAt(1)];
    const slot = 0 as Slot;
    const facts = (lagging: boolean, answers = true): ClusterFacts => new Map<ShardId, ShardFacts>([
      [a, { presence: 'present', capacity: 1, slots: new Map([[slot, true]]) }],
      [b, { presence: 'present', capacity: 1, slots: new Map([[slot, answers]]), ...(lagging ? { lagging: new Set([slot]) } : {}) }],
    ]);
    const moving: PlacementMap = { ...emptyMap(1, 1), drained: [a], slots: [[{ shard: b, state: 'joining' }, { shard: a, state: 'ready' }]] };
    expect(nextMap(moving, facts(true))).toBeUndefined();
    expect(nextMap(moving, facts(false))?.slots).toEqual([[{ shard: b, state: 'ready' }, { shard: a, state: 'leaving' }]]);
    const kept: PlacementMap = { ...moving, slots: [[{ shard: b, state: 'ready' }, { shard: a, state: 'ready' }]] };
    expect(nextMap(kept, facts(true))?.slots).toEqual([[{ shard: b, state: 'ready' }, { shard: a, state: 'leaving' }]]);
    expect(nextMap(kept, facts(false, false))).toBeUndefined();
  });
});

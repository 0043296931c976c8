/** What operators change about the map; the controller carries it out. Each returns the same map when there is nothing to do. */
import { LIMITS, ShoalError, type PlacementMap, type ShardId, type Slot } from '@shoal/protocol';

/** The shard gives up all slots, once others have them, and gets no more until it is undone. */
export function drained(map: PlacementMap, shard: ShardId, isDrained: boolean): PlacementMap {
  if (map.drained.includes(shard) === isDrained) return map;
  const others = map.drained.filter((other) => other !== shard);
  if (!isDrained) return { ...map, drained: others };
  if (others.length >= LIMITS.shards) {
    throw new ShoalError('invalid_field', `${LIMITS.shards} shards are marked as drained, which is the most there may be.`, { field: 'shard', limit: LIMITS.shards });
  }
  // A pin on a shard that shall hold nothing means nothing.
  const pins = new Map([...map.pins].filter(([, pinned]) => pinned !== shard));
  return { ...map, drained: [...others, shard], pins };
}

/** One replica of the slot shall be on this shard, whatever balance asks for; or, without a shard, wherever balance has it. */
export function pinned(map: PlacementMap, slot: Slot, shard: ShardId | undefined): PlacementMap {
  if (slot >= map.slots.length) throw new ShoalError('invalid_field', `There are slots 0 to ${map.slots.length - 1}.`, { field: 'slot', limit: map.slots.length - 1 });
  if (map.pins.get(slot) === shard) return map;
  if (shard !== undefined && map.drained.includes(shard)) {
    throw new ShoalError('invalid_field', `The shard ${shard} is drained: it takes no slots. Undo that first.`, { field: 'shard' });
  }
  const pins = new Map(map.pins);
  if (shard === undefined) pins.delete(slot);
  else pins.set(slot, shard);
  return { ...map, pins };
}

export function withReplicas(map: PlacementMap, replicas: number): PlacementMap {
  return map.replicas === replicas ? map : { ...map, replicas };
}

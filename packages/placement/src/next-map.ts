/**
 * One step of the map towards what it shall be, from what the shards report. A pure function: two controllers that see the same
 * do the same.
 *
 * Invariants:
 * 1. A replica that answers, `ready` or about to be, is told to leave only when every shard that shall hold the slot answers for it and has
 *    once kept pace with the others: then it is `ready`.
 * 2. What was begun goes on: the entries of a slot stand in the order in which they are to stay, those on their way included.
 * 3. A shard that is away keeps its entries until it is gone.
 */
import type { PlacementMap, Replica, ShardId, Slot } from '@shoal/protocol';
import { desiredReplicas } from './desired-replicas.ts';
import { PLACEMENT_LIMITS } from './limits.ts';

/**
 * present: its lease is renewed. absent: not for a while; it keeps its slots, for it may be restarting. gone: for so long that
 * its slots get other replicas.
 */
export type Presence = 'present' | 'absent' | 'gone';

export interface ShardFacts {
  readonly presence: Presence;
  readonly capacity: number;
  /** The slots that it reported lately, and whether it answers for them; undefined when it reported nothing. */
  readonly slots?: ReadonlyMap<Slot, boolean>;
  /** Those of them in which other replicas are ahead of it. */
  readonly lagging?: ReadonlySet<Slot>;
}

export type ClusterFacts = ReadonlyMap<ShardId, ShardFacts>;

/** The next map, or undefined when nothing is to change. */
export function nextMap(map: PlacementMap, facts: ClusterFacts): PlacementMap | undefined {
  const shards = [...facts].filter(([shard, { presence }]) => presence !== 'gone' && !map.drained.includes(shard))
    .map(([shard, { capacity, presence, slots }]) => ({ shard, capacity, isAway: presence !== 'present', takes: presence === 'present' && slots !== undefined }));
  // Without anybody to take slots there is nothing to plan; entries wait for their shards.
  if (!shards.some(({ takes }) => takes)) return undefined;
  const holders = map.slots.map((entries) => entries.filter(({ state }) => state !== 'leaving').map(({ shard }) => shard));
  const targets = desiredReplicas({ replicas: map.replicas, shards, holders, pins: map.pins });
  const joins = new JoinPlaces(map);
  const slots = map.slots.map((entries, slot) => nextReplicas({ entries, target: targets[slot] ?? [], slot: slot as Slot, facts, joins }));
  const isSame = slots.every((entries, slot) => sameReplicas(entries, map.slots[slot] ?? []));
  return isSame ? undefined : { ...map, epoch: map.epoch + 1, slots };
}

/** How many more slots each shard may begin to restore. */
class JoinPlaces {
  readonly #taken = new Map<ShardId, number>();

  constructor(map: PlacementMap) {
    for (const { shard, state } of map.slots.flat()) if (state === 'joining') this.take(shard);
  }

  take(shard: ShardId): void {
    this.#taken.set(shard, (this.#taken.get(shard) ?? 0) + 1);
  }

  has(shard: ShardId): boolean {
    return (this.#taken.get(shard) ?? 0) < PLACEMENT_LIMITS.joinsPerShard;
  }
}

interface SlotStep {
  readonly entries: readonly Replica[];
  readonly target: readonly ShardId[];
  readonly slot: Slot;
  readonly facts: ClusterFacts;
  readonly joins: JoinPlaces;
}

/** Those that shall hold the slot first, then those that are to go. */
function nextReplicas(step: SlotStep): readonly Replica[] {
  const { entries, target, slot, facts } = step;
  const next: Replica[] = [];
  for (const shard of target) {
    const entry = entries.find((one) => one.shard === shard);
    const replica = entry === undefined ? begun(step, shard, next) : advanced(entry, slot, facts);
    if (replica !== undefined) next.push(replica);
  }
  const isTaken = target.length > 0 && target.every((shard) => answersFor(facts, shard, slot) && next.some((one) => one.shard === shard && one.state === 'ready'));
  for (const entry of entries) {
    if (target.includes(entry.shard) || isReleased(entry, slot, facts)) continue;
    // One that was on its way and answers already may be the only one that does.
    const answers = entry.state !== 'leaving' && advanced(entry, slot, facts).state === 'ready';
    next.push({ shard: entry.shard, state: answers && !isTaken ? 'ready' : 'leaving' });
  }
  return next;
}

/** A shard that was leaving and is wanted again begins again: it may have given up its rows. */
function advanced({ shard, state }: Replica, slot: Slot, facts: ClusterFacts): Replica {
  const isReady = state === 'ready' || (state === 'joining' && answersFor(facts, shard, slot) && facts.get(shard)?.lagging?.has(slot) !== true);
  return { shard, state: isReady ? 'ready' : 'joining' };
}

function begun({ entries, facts, joins }: SlotStep, shard: ShardId, next: readonly Replica[]): Replica | undefined {
  const isCovered = [...entries, ...next].some((other) => facts.get(other.shard)?.presence === 'present');
  if (isCovered && !joins.has(shard)) return undefined;
  joins.take(shard);
  return { shard, state: 'joining' };
}

function answersFor(facts: ClusterFacts, shard: ShardId, slot: Slot): boolean {
  const known = facts.get(shard);
  return known?.presence === 'present' && known.slots?.get(slot) === true;
}

/** A shard that is gone holds nothing that counts; one that left says so by no longer reporting the slot. */
function isReleased({ shard, state }: Replica, slot: Slot, facts: ClusterFacts): boolean {
  const known = facts.get(shard);
  if (known === undefined || known.presence === 'gone') return true;
  return state === 'leaving' && known.presence === 'present' && known.slots !== undefined && !known.slots.has(slot);
}

function sameReplicas(a: readonly Replica[], b: readonly Replica[]): boolean {
  return a.length === b.length && a.every(({ shard, state }, index) => shard === b[index]?.shard && state === b[index]?.state);
}

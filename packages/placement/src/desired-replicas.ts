/**
 * Which shards shall hold each slot. The result follows from what they hold now with as few changes as possible: holders stay
 * unless they must go; free places are filled by rendezvous; then single replicas move until no shard is more than one
 * above its share while another is below.
 */
import type { ShardId, Slot } from '@shoal/protocol';
import { placementScore } from './rendezvous.ts';

export interface PlaceableShard {
  readonly shard: ShardId;
  readonly capacity: number;
  /** False for a shard that keeps what it holds but takes nothing, because it is away or reports nothing for the moment. */
  readonly takes: boolean;
  /** True for a shard that does not answer for what it holds. */
  readonly isAway: boolean;
}

export interface PlacementProblem {
  readonly replicas: number;
  /** Shards that may hold slots. */
  readonly shards: readonly PlaceableShard[];
  /** Who holds each slot now, in the order in which they are worth keeping. */
  readonly holders: readonly (readonly ShardId[])[];
  readonly pins: ReadonlyMap<Slot, ShardId>;
}

/**
 * The shards of each slot: `replicas` different ones, or all there are. A slot whose holders are all away gets one more,
 * so that it is answered for.
 */
export function desiredReplicas(problem: PlacementProblem): ShardId[][] {
  const plan = new Plan(problem);
  plan.keep();
  plan.fill();
  plan.balance();
  return plan.slots.map((held) => [...held]);
}

class Plan {
  readonly slots: Set<ShardId>[];
  readonly #problem: PlacementProblem;
  readonly #known: ReadonlyMap<ShardId, PlaceableShard>;
  readonly #takers: readonly PlaceableShard[];
  readonly #wanted: number;
  readonly #load = new Map<ShardId, number>();
  #shares: ReadonlyMap<ShardId, number> = new Map();

  constructor(problem: PlacementProblem) {
    this.#problem = problem;
    this.#known = new Map(problem.shards.map((shard) => [shard.shard, shard]));
    this.#takers = problem.shards.filter(({ takes }) => takes);
    this.#wanted = Math.min(problem.replicas, problem.shards.length);
    this.slots = problem.holders.map(() => new Set());
  }

  keep(): void {
    this.#problem.holders.forEach((holders, slot) => {
      const pinned = this.#pinOf(slot);
      const ordered = pinned === undefined ? holders : [pinned, ...holders];
      const present = ordered.filter((shard) => this.#known.has(shard));
      for (const shard of present) if (this.#held(slot).size < this.#wanted) this.#put(slot, shard);
      const standIn = this.#isAnswered(slot) ? undefined : present.find((shard) => this.#known.get(shard)?.isAway === false);
      if (standIn !== undefined) this.#put(slot, standIn);
    });
    this.#shares = this.#computeShares();
  }

  fill(): void {
    this.slots.forEach((held, slot) => {
      const missing = Math.max(this.#wanted - held.size, this.#isAnswered(slot) ? 0 : 1);
      for (let count = 0; count < missing; count += 1) {
        const next = this.#bestFor(slot);
        if (next === undefined) return;
        this.#put(slot, next);
      }
    });
  }

  balance(): void {
    for (;;) {
      const byExcess = this.#takers.map(({ shard }) => shard).sort((a, b) => this.#excess(b) - this.#excess(a));
      if (!this.#moveOne(byExcess)) return;
    }
  }

  /** From whoever has most above its share to whoever has most below, where that brings the two nearer. */
  #moveOne(byExcess: readonly ShardId[]): boolean {
    for (const donor of byExcess) {
      for (const receiver of byExcess.toReversed()) {
        if (this.#excess(donor) - this.#excess(receiver) <= 1 + Number.EPSILON * 1024) break;
        const slot = this.#bestSlotToMove(donor, receiver);
        if (slot === undefined) continue;
        this.#held(slot).delete(donor);
        this.#load.set(donor, this.#loadOf(donor) - 1);
        this.#put(slot, receiver);
        return true;
      }
    }
    return false;
  }

  /** By rendezvous, first among the slots that the donor was only just given: giving those on moves nothing more. */
  #bestSlotToMove(donor: ShardId, receiver: ShardId): number | undefined {
    const movable = [...this.slots.keys()].filter((slot) => this.#held(slot).has(donor) && !this.#held(slot).has(receiver) && this.#pinOf(slot) !== donor);
    const given = movable.filter((slot) => this.#problem.holders[slot]?.includes(donor) !== true);
    return maxBy(given.length > 0 ? given : movable, (slot) => this.#score(slot, receiver));
  }

  /** By rendezvous among the shards below their share; when all have it, whoever has least above. */
  #bestFor(slot: number): ShardId | undefined {
    const free = this.#takers.filter(({ shard }) => !this.#held(slot).has(shard)).map(({ shard }) => shard);
    const below = free.filter((shard) => this.#excess(shard) < 0);
    if (below.length > 0) return maxBy(below, (shard) => this.#score(slot, shard));
    return maxBy(free, (shard) => -this.#excess(shard));
  }

  /**
   * What each taker shall hold of the replicas that shards away do not keep: in proportion to capacity, and no more than all slots,
   * for a shard holds a slot once. What one cannot take goes to the others.
   */
  #computeShares(): ReadonlyMap<ShardId, number> {
    const keptAway = this.slots.reduce((sum, held) => sum + [...held].filter((shard) => this.#known.get(shard)?.takes === false).length, 0);
    const shares = new Map<ShardId, number>();
    let open = [...this.#takers];
    let left = this.#wanted * this.slots.length - keptAway;
    for (;;) {
      const capacity = open.reduce((sum, shard) => sum + shard.capacity, 0);
      const full = open.filter((shard) => (left * shard.capacity) / capacity >= this.slots.length);
      if (full.length === 0) {
        for (const { shard, capacity: own } of open) shares.set(shard, (left * own) / capacity);
        return shares;
      }
      for (const { shard } of full) shares.set(shard, this.slots.length);
      left = Math.max(0, left - full.length * this.slots.length);
      open = open.filter((shard) => !full.includes(shard));
    }
  }

  #isAnswered(slot: number): boolean {
    return [...this.#held(slot)].some((shard) => this.#known.get(shard)?.isAway === false);
  }

  #pinOf(slot: number): ShardId | undefined {
    const pinned = this.#problem.pins.get(slot as Slot);
    return pinned !== undefined && this.#known.has(pinned) ? pinned : undefined;
  }

  #score(slot: number, shard: ShardId): number {
    return placementScore(slot as Slot, shard, this.#known.get(shard)?.capacity ?? 1);
  }

  #held(slot: number): Set<ShardId> {
    const held = this.slots[slot];
    if (held === undefined) throw new RangeError(`there is no slot ${slot}`);
    return held;
  }

  #put(slot: number, shard: ShardId): void {
    const held = this.#held(slot);
    if (held.has(shard)) return;
    held.add(shard);
    this.#load.set(shard, this.#loadOf(shard) + 1);
  }

  #loadOf(shard: ShardId): number {
    return this.#load.get(shard) ?? 0;
  }

  #excess(shard: ShardId): number {
    return this.#loadOf(shard) - (this.#shares.get(shard) ?? 0);
  }
}

function maxBy<Item>(items: readonly Item[], value: (item: Item) => number): Item | undefined {
  let best: Item | undefined;
  let bestValue = Number.NEGATIVE_INFINITY;
  for (const item of items) {
    const itemValue = value(item);
    if (best === undefined || itemValue > bestValue) [best, bestValue] = [item, itemValue];
  }
  return best;
}

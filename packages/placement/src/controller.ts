/**
 * Keeps the map: made of leases and announcements, changed one step at a time. Every gateway and shard of a cluster runs one;
 * whichever holds the lease acts.
 *
 * Invariants:
 * 1. Every change is a compare-and-set on the map that it was planned from.
 * 2. A shard that is gone lets go of the log before its entries leave the map, so nothing is held for a shard that no map names.
 * 3. While nobody holds a lease as a shard, nothing is written: where slots are given by settings, there is no controller.
 */
import type { Bus } from '@shoal/bus';
import { pause, type Timers } from '@shoal/pacing';
import { LIMITS, PLACEMENT_KEYS, decodeMemberLease, type MemberLease, type PlacementMap, type ShardId, type Slot } from '@shoal/protocol';
import type { Logger } from 'pino';
import { Election } from './election.ts';
import { firstMap } from './first-map.ts';
import { PLACEMENT_LIMITS } from './limits.ts';
import { MapStore } from './map-store.ts';
import { nextMap, type ClusterFacts, type Presence, type ShardFacts } from './next-map.ts';
import { forgetReplica } from './replica-progress.ts';
import { Silence } from './silence.ts';
import { StatusBoard } from './status-board.ts';

export interface ControllerOptions {
  readonly bus: Bus;
  /** Replicas of each slot in a map that this controller makes; one that exists has its own. */
  readonly replicas: number;
  /** Names this process among all. */
  readonly holder: string;
  readonly timers: Timers;
  readonly logger: Logger;
}

interface Member {
  readonly lease: MemberLease;
  readonly revision: number;
}

export class PlacementController {
  readonly #options: ControllerOptions;
  readonly #maps: MapStore;
  readonly #election: Election;
  readonly #board: StatusBoard;
  readonly #stop = new AbortController();
  /** Silence of leases and, beside them, of names that only the map has. */
  #silence = new Silence<ShardId>();
  #members: ReadonlyMap<ShardId, Member> = new Map();
  #settled = { names: '', steps: 0 };
  /** Counts since this process began to lead: what shards announced before may no longer be so. */
  #ledCounts = 0;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#maps = new MapStore(options.bus.registry);
    this.#election = new Election(options.bus.registry, options.holder, options.timers);
    this.#board = new StatusBoard(options.logger);
  }

  /** Whether this process is the one that plans. */
  get leads(): boolean {
    return this.#election.leads;
  }

  async start(): Promise<void> {
    await this.#board.listen(this.#options.bus.requests);
    this.#loops = Promise.all([
      this.#repeat(PLACEMENT_LIMITS.renewMs, () => this.#count()),
      this.#repeat(PLACEMENT_LIMITS.stepMs, () => this.#step()),
    ]);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loops;
    await this.#board.close();
    await this.#election.resign().catch((error: unknown) => this.#options.logger.warn({ err: error }, 'the lease of the controller was not given back'));
  }

  async #repeat(pauseMs: number, work: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (!signal.aborted) this.#options.logger.warn({ err: error }, 'the placement of slots was not looked at; it is tried again');
      }
      await pause(this.#options.timers, pauseMs, signal);
    }
  }

  async #count(): Promise<void> {
    const { registry } = this.#options.bus;
    const led = this.#election.leads;
    this.#board.count();
    await this.#election.turn(async () => (await registry.list(PLACEMENT_KEYS.memberPrefix, 1)).length > 0);
    if (!this.#election.leads) return;
    if (!led) {
      this.#options.logger.info('this process places the slots');
      this.#silence = new Silence();
      this.#ledCounts = 0;
    }
    await this.#readMembers();
    const map = (await this.#maps.read())?.map;
    const named = map === undefined ? [] : namesOf(map);
    this.#silence.count(new Map([...named.map((shard): [ShardId, number] => [shard, 0]), ...[...this.#members].map(([shard, { revision }]): [ShardId, number] => [shard, revision])]));
    this.#ledCounts += 1;
  }

  async #readMembers(): Promise<void> {
    const entries = await this.#options.bus.registry.list(PLACEMENT_KEYS.memberPrefix, LIMITS.shards);
    const members = new Map<ShardId, Member>();
    for (const { key, value, revision } of entries) {
      try {
        const lease = decodeMemberLease(value);
        members.set(lease.shard, { lease, revision });
      } catch (error) {
        this.#options.logger.warn({ err: error, key }, 'the lease of a shard cannot be read; it is left out');
      }
    }
    this.#members = members;
  }

  async #step(): Promise<void> {
    if (!this.#election.leads) return;
    const known = await this.#maps.read();
    if (known === undefined) return this.#makeFirst();
    if (this.#ledCounts <= PLACEMENT_LIMITS.statusCounts) return;
    const facts = this.#facts(known.map);
    const next = nextMap(known.map, facts);
    if (next !== undefined) {
      await this.#forgetGone(known.map, next, facts);
      if (await this.#maps.replace(known, next)) this.#options.logger.info({ epoch: next.epoch }, 'the map of slots changed');
    }
    await this.#removeGoneLeases(next ?? known.map, facts);
  }

  /** Waits until the shards that start together are all there, so that no slot moves at once. */
  async #makeFirst(): Promise<void> {
    await this.#readMembers();
    const present = new Set([...this.#facts(undefined)].filter(([, { presence, slots }]) => presence === 'present' && slots !== undefined).map(([shard]) => shard));
    const names = [...present].sort().join(' ');
    this.#settled = { names, steps: this.#settled.names === names ? this.#settled.steps + 1 : 0 };
    if (present.size === 0 || this.#settled.steps < PLACEMENT_LIMITS.settledSteps) return;
    const { bus, replicas } = this.#options;
    const first = await firstMap(bus.registry, { slots: bus.log.slots, replicas, members: present });
    const map = nextMap({ ...first, epoch: 0 }, this.#facts(first));
    if (map !== undefined && (await this.#maps.create(map))) this.#options.logger.info({ shards: present.size, replicas }, 'the first map of slots was made');
  }

  #facts(map: PlacementMap | undefined): ClusterFacts {
    const facts = new Map<ShardId, ShardFacts>();
    for (const shard of [...(map === undefined ? [] : namesOf(map)), ...this.#members.keys()]) {
      const status = this.#board.statusOf(shard);
      const slots = status?.slots.map(({ slot, ready }): [Slot, boolean] => [slot, ready]);
      const lagging = status?.slots.filter((slot) => slot.lagging === true).map(({ slot }) => slot) ?? [];
      facts.set(shard, {
        presence: this.#presenceOf(shard),
        capacity: this.#members.get(shard)?.lease.capacity ?? 1,
        ...(slots === undefined ? {} : { slots: new Map(slots) }),
        ...(lagging.length === 0 ? {} : { lagging: new Set(lagging) }),
      });
    }
    return facts;
  }

  #presenceOf(shard: ShardId): Presence {
    const silentCounts = this.#silence.silentCounts(shard);
    if (silentCounts >= PLACEMENT_LIMITS.goneCounts) return 'gone';
    return this.#members.has(shard) && silentCounts < PLACEMENT_LIMITS.absentCounts ? 'present' : 'absent';
  }

  async #forgetGone(map: PlacementMap, next: PlacementMap, facts: ClusterFacts): Promise<void> {
    for (const [slot, entries] of map.slots.entries()) {
      for (const { shard } of entries) {
        if (facts.get(shard)?.presence !== 'gone' || next.slots[slot]?.some((entry) => entry.shard === shard) === true) continue;
        await forgetReplica(this.#options.bus.registry, slot as Slot, shard);
        this.#options.logger.warn({ slot, shard }, 'a shard is gone; its slot gets another replica');
      }
    }
  }

  async #removeGoneLeases(map: PlacementMap, facts: ClusterFacts): Promise<void> {
    for (const [shard, { revision }] of this.#members) {
      if (facts.get(shard)?.presence !== 'gone' || map.slots.flat().some((entry) => entry.shard === shard)) continue;
      await this.#options.bus.registry.delete(PLACEMENT_KEYS.member(shard), revision);
      this.#options.logger.info({ shard }, 'the lease of a shard that is gone was removed');
    }
  }
}

function namesOf(map: PlacementMap): readonly ShardId[] {
  return [...new Set(map.slots.flat().map(({ shard }) => shard))];
}

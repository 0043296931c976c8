/** What operators see of the map of slots and shards, and what they change about it. The controller carries changes out. */
import type { Registry } from '@shoal/bus';
import { MapFeed, MapStore, drained, pinned, withReplicas } from '@shoal/placement';
import {
  LIMITS, PLACEMENT_KEYS, ShoalError, decodeMemberLease,
  type ClusterPlacement, type MemberLease, type PlacementMap, type ShardId, type Slot, type SlotStatus,
} from '@shoal/protocol';
import { withDeadline, type Timers } from '@shoal/pacing';
import type { Logger } from 'pino';
import { GATEWAY_LIMITS } from '../limits.ts';
import type { HeardShard } from './cluster-view.ts';

export interface PlacementOperationsOptions {
  readonly registry: Registry;
  readonly timers: Timers;
  readonly logger: Logger;
}

export class PlacementOperations {
  readonly #options: PlacementOperationsOptions;
  readonly #maps: MapStore;
  readonly #feed: MapFeed;

  constructor(options: PlacementOperationsOptions) {
    this.#options = options;
    this.#maps = new MapStore(options.registry);
    this.#feed = new MapFeed(options);
  }

  close(): Promise<void> {
    return this.#feed.close();
  }

  /** Undefined where the slots of every shard are given by its settings. */
  async describe(heard: readonly HeardShard[]): Promise<ClusterPlacement | undefined> {
    const { map } = this.#feed;
    if (map === undefined) return undefined;
    const leases = await this.#bounded(this.#leases());
    const statuses = new Map(heard.map(({ status }) => [status.shard, status]));
    const slotStatuses = new Map(heard.map(({ status }) => [status.shard, new Map(status.slots.map((slot) => [slot.slot, slot]))]));
    const names = [...new Set([...leases.keys(), ...map.drained, ...map.slots.flat().map(({ shard }) => shard)])].sort();
    return {
      epoch: map.epoch,
      replicas: map.replicas,
      members: names.map((shard) => memberOf(shard, map, leases.get(shard), statuses.get(shard)?.mapEpoch, statuses.has(shard))),
      slots: map.slots.map((replicas, slot) => {
        const chosen = map.pins.get(slot as Slot);
        return {
          slot,
          ...(chosen === undefined ? {} : { pinned: chosen }),
          replicas: replicas.map(({ shard, state }) => ({ shard, state, ...replicaState(slotStatuses.get(shard)?.get(slot as Slot)) })),
        };
      }),
    };
  }

  /** Throws `shard_not_found`, `placement_static`, or `invalid_field` when nobody would be left to take the slots. */
  async drain(shard: ShardId, isDrained: boolean): Promise<PlacementMap> {
    const leases = await this.#bounded(this.#leases());
    return this.#edit((map) => {
      requireKnown(shard, leases, map);
      if (isDrained && ![...leases.keys()].some((other) => other !== shard && !map.drained.includes(other))) {
        throw new ShoalError('invalid_field', `No other shard could take the slots of ${shard}. Start one, or undo the draining of one, first.`, { field: 'shard' });
      }
      return drained(map, shard, isDrained);
    });
  }

  /** Throws `shard_not_found` for a shard without a lease. Without a shard, balance decides again. */
  async move(slot: Slot, shard: ShardId | undefined): Promise<PlacementMap> {
    const leases = await this.#bounded(this.#leases());
    return this.#edit((map) => {
      if (shard !== undefined) requireKnown(shard, leases, map);
      return pinned(map, slot, shard);
    });
  }

  setReplicas(replicas: number): Promise<PlacementMap> {
    return this.#edit((map) => withReplicas(map, replicas));
  }

  #edit(change: (map: PlacementMap) => PlacementMap): Promise<PlacementMap> {
    return this.#bounded(this.#maps.edit(change));
  }

  async #leases(): Promise<ReadonlyMap<ShardId, MemberLease>> {
    const entries = await this.#options.registry.list(PLACEMENT_KEYS.memberPrefix, LIMITS.shards);
    const leases = entries.map(({ value }) => decodeMemberLease(value));
    return new Map(leases.map((lease) => [lease.shard, lease]));
  }

  #bounded<T>(work: Promise<T>): Promise<T> {
    return withDeadline(work, GATEWAY_LIMITS.registryTimeoutMs, this.#options.timers, () => new ShoalError('bus_unreachable', 'The registry did not answer in time. Try again.'));
  }
}

function requireKnown(shard: ShardId, leases: ReadonlyMap<ShardId, MemberLease>, map: PlacementMap): void {
  if (leases.has(shard) || map.drained.includes(shard) || map.slots.some((replicas) => replicas.some((replica) => replica.shard === shard))) return;
  throw new ShoalError('shard_not_found', `The cluster has no shard ${shard}.`, { field: 'shard' });
}

function memberOf(shard: ShardId, map: PlacementMap, lease: MemberLease | undefined, mapEpoch: number | undefined, present: boolean): ClusterPlacement['members'][number] {
  return {
    shard,
    present,
    drained: map.drained.includes(shard),
    ...(lease === undefined ? {} : { capacity: lease.capacity }),
    slotCount: map.slots.filter((replicas) => replicas.some((replica) => replica.shard === shard)).length,
    ...(mapEpoch === undefined ? {} : { mapEpoch }),
  };
}

function replicaState(status: SlotStatus | undefined): { readonly answers: boolean; readonly appliedSequence?: number; readonly pendingCount?: number } {
  if (status === undefined) return { answers: false };
  const { ready, appliedSequence, pendingCount } = status;
  return { answers: ready, appliedSequence, ...(pendingCount === undefined ? {} : { pendingCount }) };
}

/** Which shard holds which slots: the one fact on which gateways, shards and the controller agree, kept in the registry. */
import type { ShardId, Slot } from './ids.ts';

/**
 *   (absent) -> joining -> ready -> leaving -> (absent)
 *
 * joining: the shard is to restore and replay the slot. ready: it has. leaving: enough others are ready; the shard gives the
 * slot up, and when it has, the entry goes. A shard answers for a slot as soon as it has replayed it, whatever the map says
 * yet: the map decides who holds a slot, not who answers.
 */
export type ReplicaState = 'joining' | 'ready' | 'leaving';

export interface Replica {
  readonly shard: ShardId;
  readonly state: ReplicaState;
}

export interface PlacementMap {
  /** Grows by one with every change. */
  readonly epoch: number;
  /** Replicas that each slot shall have, on different shards. */
  readonly replicas: number;
  /** Shards that shall hold no slot. */
  readonly drained: readonly ShardId[];
  /** Shards that an operator chose to hold a slot. */
  readonly pins: ReadonlyMap<Slot, ShardId>;
  /** Replicas of each slot, by slot. */
  readonly slots: readonly (readonly Replica[])[];
}

/** A shard's lease in the registry. It counts as held while it goes on changing. */
export interface MemberLease {
  readonly shard: ShardId;
  readonly version: string;
  /** Names this run of the process. */
  readonly run: string;
  /** Names the data directory: of two runs over one directory, the directory's lock has ended the older. */
  readonly storeId: string;
  /** How many slots the shard takes, in proportion to the others. */
  readonly capacity: number;
  /** Grows with every renewal. */
  readonly renewalCount: number;
}

/** The controller's lease. It counts as held while it goes on changing. */
export interface ControllerLease {
  /** Names the process that holds it. */
  readonly holder: string;
  readonly renewalCount: number;
}

export const PLACEMENT_KEYS = {
  map: 'placement.map',
  mapPrefix: 'placement',
  controller: 'controller.lease',
  memberPrefix: 'member',
  /** A shard's name is one token of the key; names have no `=`. */
  member: (shard: ShardId): string => `member.${shard.replaceAll('.', '=')}`,
} as const;

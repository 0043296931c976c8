/** Bounds and paces of placement, in one place. */
export const PLACEMENT_LIMITS = {
  /** A lease is renewed this often, and whoever watches it counts this often. */
  renewMs: 2_000,
  /** A lease that did not change over so many counts is lost: its shard is absent. */
  absentCounts: 5,
  /** A shard that was silent over so many counts is gone: its slots get other replicas. Restarts shall fit in between. */
  goneCounts: 20,
  /** A shard of which no status was heard over so many counts takes nothing. */
  statusCounts: 2,
  /** The controller looks at the map this often. */
  stepMs: 500,
  /** The first map is made when the shards that are there have been the same over so many looks. */
  settledSteps: 3,
  /** Slots that one shard restores and replays at one time, besides those that nobody answers for. */
  joinsPerShard: 8,
  /** Pause before a failed watch is set up again. */
  rewatchMs: 1_000,
  /** Turns of a change by compare-and-set before it gives up with `overloaded`. */
  editAttempts: 32,
  /** Giving back a lease at the end; after that it runs out by itself. */
  resignTimeoutMs: 1_000,
  /** Entries of progress that are read for the first map. */
  progressEntries: 8_192,
  /** Replicas of one slot that hold the log. */
  replicas: 1_000,
  registryAttempts: 16,
  capacity: 1_000_000,
  /** Replicas of each slot, unless set otherwise; as many as there are shards when they are fewer. */
  defaultReplicas: 2,
} as const;

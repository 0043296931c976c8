/** Bounds of the shard service, in one place. */
export const SHARD_LIMITS = {
  /** Messages and bytes applied in one go; more wait in the bus. */
  groupMessages: 512,
  groupBytes: 8 * 1024 * 1024,
  /** Pause before a slot that failed is recovered again; doubles up to the maximum. */
  recoverPauseMs: 250,
  recoverPauseMaxMs: 10_000,
  statusIntervalMs: 1_000,
  /** Searches in the engine at one time, per search thread: enough that no thread waits for this one. */
  searchesPerThread: 16,
  /** Searches that wait for their tenant's turn, and how long at most. */
  waitingSearches: 8_192,
  searchWaitMs: 60_000,
  /** Turns that the longest scan takes. */
  turnsMaximum: 64,
} as const;

/** Bounds of the shard service, in one place. */
export const SHARD_LIMITS = {
  /** Messages and bytes applied in one go; more wait in the bus. */
  groupMessages: 512,
  groupBytes: 8 * 1024 * 1024,
  /** Pause before a slot that failed is recovered again; doubles up to the maximum. */
  recoverPauseMs: 250,
  recoverPauseMaxMs: 10_000,
  statusIntervalMs: 1_000,
} as const;

/** Bounds of the shard service, in one place. */
export const SHARD_LIMITS = {
  /** Messages and bytes applied in one go; more wait in the bus. */
  groupMessages: 512,
  groupBytes: 8 * 1024 * 1024,
  /** What a slot that catches up applies in one step while others serve: some hundreds of small vectors. */
  catchUpStepBytes: 64 * 1024,
  /** How often a slot looks whether its log was emptied or made anew. */
  logLookMs: 5_000,
  /** Pause before a slot that failed is recovered again; doubles up to the maximum. */
  recoverPauseMs: 250,
  recoverPauseMaxMs: 10_000,
  /** How often a slot looks whether its log has grown enough for a snapshot. */
  snapshotLookMs: 2_000,
  /**
   * How often a slot looks whether an index is to be written to a file, after how many looks without a write writes are taken to pause,
   * and how long a slot takes at its end for what is worth it.
   */
  checkpointLookMs: 2_000,
  quietLooks: 3,
  lastCheckpointMs: 4_000,
  /** The newest snapshots that a slot keeps; the log is kept from the oldest of them on. */
  keptSnapshots: 2,
  /** Growth of the log between two snapshots, unless set otherwise. */
  snapshotLogBytes: 64 * 1024 * 1024,
  /** What a message of the log is taken for while its size is not known: those applied before a restart. */
  guessedMessageBytes: 1_024,
  /** Announcements of other shards that are older say nothing about their contents. */
  peerSilenceMs: 5_000,
  /** Looks at a dispute after which a replica no longer waits for another to be rebuilt first. */
  disputeLooks: 120,
  /** Reading all rows again: the first time, between two rounds, how often it is looked for what is urgent, and between two slices. */
  scanFirstMs: 10_000,
  scanRoundMs: 10 * 60_000,
  scanLookMs: 500,
  scanPauseMs: 20,
  urgentScanPauseMs: 1,
  /** Pause after a slot was rebuilt for the second time without agreeing with the others; doubles up to the maximum. */
  rebuildPauseMs: 10_000,
  rebuildPauseMaxMs: 10 * 60_000,
  statusIntervalMs: 1_000,
  /** After a write found no memory, further ones of its embedding are refused for so long unless memory is freed. */
  memoryShortageMs: 30_000,
  /** A replica lags when it has not applied what another one had applied this long ago, and no longer when it has what that one had `caughtUpMs` ago. */
  laggingMs: 3_000,
  caughtUpMs: 1_000,
  /** What a replica told is forgotten after so long: one that fell silent is no measure. */
  peerProgressMs: 8_000,
  /** So many stretches of this length are kept apart per slot. */
  peerProgressEntries: 64,
  peerProgressStretchMs: 200,
  /** Searches in the engine at one time, per search thread: enough that no thread waits for this one. */
  searchesPerThread: 16,
  /** Searches that wait for their tenant's turn, and how long at most. */
  waitingSearches: 8_192,
  searchWaitMs: 60_000,
  /** Turns that the longest scan takes. */
  turnsMaximum: 64,
  /** Searches that wait to be run again for their recall, for how long, how often the engine is looked at, and the rest after a scan as a multiple of it. */
  recallSamples: 16,
  recallWaitMs: 30_000,
  recallLookMs: 20,
  recallRest: 199,
} as const;

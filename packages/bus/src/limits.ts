/** Every bound of the bus, in one place. */
export const BUS_LIMITS = {
  /**
   * Payload of one log entry. Base64 in a JSON answer (how JetStream's leader returns a stored message) must stay below
   * the default max_payload of 1 MiB, so this lies below three quarters of it.
   */
  entryBytes: 640 * 1024,
  /** Entries that wait for the log, over all callers of one lane of commits. Beyond: `overloaded`. */
  queuedEntries: 65_536,
  queuedBytes: 64 * 1024 * 1024,
  /** One group commit. 1,000 messages is the limit of a JetStream atomic batch. */
  groupEntries: 1_000,
  groupBytes: 8 * 1024 * 1024,
  /** Up to so many entries of different calls are published one beside the other rather than as one batch. */
  plainEntries: 12,
  /** How long `close` lets publishes under way finish. */
  closeMs: 2_000,
  /** What a reader may ask for in one group. */
  readMessages: 10_000,
  readBytes: 32 * 1024 * 1024,
  /** Messages of one slot that the embedded log keeps in memory for readers that are up to date. */
  tailMessages: 1_024,
  tailBytes: 256 * 1024,
  /** Payload of one request or announcement: max_payload of a default broker less room for headers. */
  requestBytes: 1024 * 1024 - 4096,
  answerBytes: 32 * 1024 * 1024,
  /** Requests of one bus that wait for an answer. */
  inFlightRequests: 16_384,
  /** Requests that one server works on; beyond, it answers `overloaded`. */
  inFlightPerServer: 1_024,
  /** One attempt to publish a group, and one call of the broker's API; tried again until the caller's deadline. */
  attemptMs: 5_000,
  /** What one server may take to let a client in, at the start and at every reconnect; another one is tried then. */
  dialMs: 3_000,
  /** A pull request for log messages, and the sign of life that the broker gives while it has none. */
  pullMs: 30_000,
  heartbeatMs: 2_000,
  /** After how long an unused consumer disappears from the broker. */
  consumerIdleMs: 60_000,
  /** Pause before trying again: doubles from the first to the second. */
  retryMs: 50,
  retryMaxMs: 2_000,
  /** Content of one object of a snapshot, held in memory while it is stored or read; and how long that may take. */
  snapshotPartBytes: 8 * 1024 * 1024,
  snapshotPartMs: 30_000,
  /** Whoever stores a snapshot rests after each piece for so many times as long as it took, up to a bound; a file is brought to the disk after so many bytes. */
  snapshotRest: 7,
  snapshotRestMaxMs: 200,
  /** Rests of one snapshot altogether. */
  snapshotRestTotalMs: 30_000,
  snapshotSyncBytes: 4 * 1024 * 1024,
  /** Between the mark that a part of the log goes and its removal: readers that stand there hear of the mark meanwhile. */
  trimGraceMs: 1_000,
  /** What a stream told about its origin is told again for so long. */
  originMs: 1_000,
  registryKeyChars: 512,
  registryValueBytes: 256 * 1024,
  registryEntries: 1_000_000,
} as const;

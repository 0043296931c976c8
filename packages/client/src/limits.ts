/** Every bound and default of the client, in one place. */
export const CLIENT_LIMITS = {
  /** A call and all its retries, unless the caller says otherwise. */
  defaultTimeoutMs: 30_000,
  maximumTimeoutMs: 24 * 60 * 60 * 1000,
  defaultRetries: 5,
  maximumRetries: 20,
  /** Upper bound of the first wait between attempts; it doubles with each further one. */
  firstBackoffMs: 100,
  maximumBackoffMs: 5_000,
  /** How much longer the client waits for a search than the server was told to spend on it. */
  searchGraceMs: 2_000,
  /** With several gateways: one that has not answered for so long is asked for a sign of life, which may take as long again. */
  silenceMs: 1_000,
  maximumUrls: 64,
  defaultBatchVectors: 500,
  /** Estimated body size at which a batch is full before it has its number of vectors; half of what the server takes. */
  batchBytes: 16 * 1024 * 1024,
  defaultInFlight: 4,
  maximumInFlight: 64,
  /** A stream of bytes that brings nothing for so long has failed. */
  streamSilenceMs: 60_000,
  readyPollMs: 200,
  /** How often the cluster is asked whether all rows were read, and how long for. */
  verifyPollMs: 500,
  verifyTimeoutMs: 10 * 60 * 1000,
  /** One search of waitUntilApplied; shorter than the whole wait, so that a lost answer costs little. */
  appliedProbeMs: 5_000,
} as const;

/** Every bound and default of the command, in one place. */
export const CLI_LIMITS = {
  defaultUrl: 'http://127.0.0.1:7700',
  defaultPort: 7700,
  defaultDataDirectory: '.shoal',
  /** Retries of a call for which a person waits. */
  interactiveRetries: 4,
  /** Retries and time of one batch of a load: minutes of trouble are outlasted. */
  loadRetries: 20,
  loadTimeoutMs: 120_000,
  /** Vectors of one page of an export. */
  exportPageVectors: 500,
  /** How often the state of an import is asked for. */
  importPollMs: 500,
  /** How often a load reports without a terminal, and how often it keeps its place. */
  reportIntervalMs: 3_000,
  progressSaveIntervalMs: 1_000,
  appliedWaitMs: 600_000,
  /** Bytes at either end of a file that identify it. */
  identityBytes: 64 * 1024,
  /** Queries of a recall run, held in memory. */
  recallQueries: 100_000,
  recallInFlight: 64,
  /** Untimed searches before each setting is measured. */
  recallWarmUpQueries: 100,
  /** Embeddings that `status` describes, and at how many it looks at once. */
  statusEmbeddings: 100,
  statusInFlight: 4,
  /** Text of a payload in a table. */
  payloadChars: 100,
  /** Callers, time, filled rows and different queries of a benchmark, and different vectors for its writers. */
  benchCallers: 1_024,
  benchSeconds: 86_400,
  benchRows: 4_000_000,
  benchDefaultRows: 100_000,
  /** Vectors per write of a custom load. */
  benchDefaultBatch: 16,
  benchQueries: 1_000,
  benchExtraRows: 100_000,
  /** The largest that Linux gives out. */
  processId: 4_194_304,
  readyTimeoutMs: 60_000,
  /** Time for a child process to end by itself before it is killed. */
  childEndMs: 15_000,
  childLineChars: 16 * 1024,
  clusterShards: 64,
  clusterGateways: 16,
} as const;

/** Every bound and default of imports, in one place. */
export const JOB_LIMITS = {
  /** Files that the addresses of one import may stand for together. */
  files: 10_000,
  /** Columns of one csv file. */
  columns: 8_192,
  /** Rows of one chunk, and the bytes of its text: what is held in memory at once. */
  chunkRows: 5_000,
  chunkBytes: 32 * 1024 * 1024,
  /** One line of a text file. */
  lineBytes: 4 * 1024 * 1024,
  /** One read of a source. */
  readBytes: 4 * 1024 * 1024,
  rejectionReasonChars: 300,
  /** Why an import failed or is held up. */
  faultChars: 1_000,
  /** Vectors of one write request, and requests in flight. */
  writeVectors: 500,
  writesInFlight: 4,
  /** Chunks of one import, and how many of them are queued at one time. */
  chunks: 1_000_000,
  waveChunks: 32,
  /** Imports that one sweep looks at. */
  sweptImports: 10_000,
  sweepMs: 30_000,
  /** Items of a list in one command to Redis. */
  recordsPerCommand: 1_000,
  /** A plan that was brought to Redis and never taken up is gone after this. */
  unusedPlanSeconds: 3_600,
  /** A worker that does not renew its lock for so long has lost its chunk. */
  lockMs: 15_000,
  /** How often a chunk is tried while sources, gateways or shards do not answer; about four hours. */
  chunkAttempts: 500,
  firstBackoffMs: 500,
  maximumBackoffMs: 30_000,
  /** How often a scheduled backup is tried, and the pause before the second time, which doubles. */
  backupAttempts: 5,
  backupBackoffMs: 30_000,
  /** One write of an import with its retries. */
  writeTimeoutMs: 90_000,
  writeRetries: 8,
  /** How often a running chunk looks whether its import was paused. */
  watchMs: 1_000,
  /** Jobs that have ended are shown for so long, so many at most. */
  keptJobSeconds: 24 * 3_600,
  keptJobs: 1_000,
  /** How long a worker that closes waits for its chunks; then they are given up, and another repeats them. */
  closeMs: 5_000,
  /** Imports that an embedded node runs at one time. */
  localImports: 2,
  /** A gateway waits so long for Redis. */
  redisTimeoutMs: 3_000,
  /** Rows of one group of an exported Parquet file, and the bytes at which it is written sooner. */
  exportGroupRows: 10_000,
  exportGroupBytes: 16 * 1024 * 1024,
  /** Lines of an exported text file that are written at once. */
  exportTextBytes: 256 * 1024,
  /** What the heap of one thread may come to; a chunk that needs more ends its thread and is tried again, so that the process lives. */
  threadHeapMb: 1_024,
  /** The part of it for what is new. As much as the engine takes by itself would double what a thread holds, nearly all of it garbage. */
  threadYoungHeapMb: 24,
  httpTimeoutMs: 60_000,
  httpRedirects: 3,
  /** Remote files that must be read at random places are kept in a temporary directory up to this size. */
  spooledFileBytes: 64 * 1024 * 1024 * 1024,
  /** A worker keeps them for its next chunks, and removes those that it has not used for so long. */
  spooledIdleMs: 10 * 60_000,
  spoolSweepMs: 60_000,
} as const;

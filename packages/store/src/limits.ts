/** Bounds of the store, in one place. */
export const STORE_LIMITS = {
  /** Rows fetched from LevelDB in one crossing while scanning. */
  scanPageRows: 1_000,
  /** Bytes that one crossing of a scan may hold; LevelDB's default of 16 KiB makes scans several times slower. */
  scanPageBytes: 4 * 1024 * 1024,
  /** Rows of one page while a slot is copied: few, because what applies writes has to wait while one is made. */
  exportPageRows: 200,
  /** Vectors that a scan of the content looks at between two chances to wait. */
  scanSliceRows: 200,
  writeBufferBytes: 32 * 1024 * 1024,
  blockCacheBytes: 32 * 1024 * 1024,
  maxFileBytes: 32 * 1024 * 1024,
  /** Outcomes kept with an idempotency key; more are kept only when they are all the same. */
  idempotencyOutcomeBytes: 256,
  /** Bytes of a message kept in its set-aside record. */
  setAsideBytes: 64 * 1024,
} as const;

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
  /** Vectors of one write request, and requests in flight. */
  writeVectors: 500,
  writesInFlight: 4,
  httpTimeoutMs: 60_000,
  httpRedirects: 3,
  /** Remote files that must be read at random places are kept in a temporary directory up to this size. */
  spooledFileBytes: 64 * 1024 * 1024 * 1024,
} as const;

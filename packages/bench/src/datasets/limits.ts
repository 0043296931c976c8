/** Every bound of the dataset readers, in one place. */
export const DATASET_LIMITS = {
  /** Bytes read from a file in one call; a single larger record is read whole. */
  chunkBytes: 1024 * 1024,
  /** Components of one vector; the same bound as the protocol's. */
  dim: 8_192,
  /** Entries in one row of an ivecs file. */
  ivecsColumns: 65_536,
  /** Rows of an ivecs file that are held in memory at once. */
  ivecsRows: 1_000_000,
  /** The text of an npy header; format version 1 allows 64 KiB, later versions more than anyone writes. */
  npyHeaderBytes: 64 * 1024,
  /** One line of a JSON Lines file: 8,192 components of 24 characters, the key and the payload, with room to spare. */
  jsonLineBytes: 4 * 1024 * 1024,
} as const;

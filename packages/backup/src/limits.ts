/** Every bound and default of backups, in one place. */
export const BACKUP_LIMITS = {
  /** Attempts to read a slot; the log may be trimmed under one. */
  slotAttempts: 5,
  retryMs: 500,
  /** One part of an object in a bucket; S3 takes 10,000 parts, so an object may have 160 GiB. */
  objectPartBytes: 16 * 1024 * 1024,
  objectParts: 10_000,
  objectTimeoutMs: 120_000,
  readBytes: 1024 * 1024,
  /** The manifest, and the records of tenants, which are read as a whole. */
  manifestBytes: 4 * 1024 * 1024,
  recordsBytes: 1024 * 1024 * 1024,
  /** Backups that are looked for at one place. */
  backups: 10_000,
  /** Messages that are applied at one time while a slot is rebuilt, and their bytes. */
  applyMessages: 500,
  applyBytes: 8 * 1024 * 1024,
  /** Vectors of one write while a slot is restored, and writes in flight. */
  writeVectors: 500,
  writesInFlight: 4,
} as const;

import { ShoalError } from '@shoal/protocol';

/** Whether an error tells that rows or files are not what was written: by a checksum of ours, a digest, or LevelDB itself. */
export function isDamage(error: unknown): boolean {
  if (error instanceof ShoalError && (error.code === 'store_corrupt' || error.code === 'replica_diverged')) return true;
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === 'LEVEL_CORRUPTION') || isDamage(error.cause);
}

/** The same error, as one of the registry where it is LevelDB's. */
export function asDamage(error: unknown): unknown {
  if (error instanceof ShoalError || !isDamage(error)) return error;
  return new ShoalError('store_corrupt', 'LevelDB finds its files damaged. What they held comes back from a snapshot or the log.', { cause: error });
}

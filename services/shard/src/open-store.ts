/**
 * Opens the store of a shard. Where LevelDB's own files are damaged the directory is set aside and an empty store takes its place: a shard
 * is a function of the log, so every slot comes back from a snapshot or the log, or says that neither reaches far enough.
 *
 *   <directory>            the store
 *   <directory>.damaged    the last one that was set aside, for whoever wants to look; a newer one replaces it
 *   <directory>/DAMAGED    says that the store proved damaged while it ran, and is to be set aside at the next start
 */
import { access, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ShoalError } from '@shoal/protocol';
import { ShardStore, asDamage, isDamage, type ShardStoreOptions } from '@shoal/store';
import type { Logger } from 'pino';

const MARK = 'DAMAGED';

/** Rejects with `directory_locked`, `directory_unusable` or `store_incompatible`. */
export async function openStore(options: ShardStoreOptions, logger: Logger): Promise<ShardStore> {
  if (await exists(join(options.directory, MARK))) await setAside(options.directory, logger, new ShoalError('store_corrupt', 'The files of the store proved damaged while it ran.'));
  try {
    return await ShardStore.open(options);
  } catch (error) {
    if (!isDamage(error)) throw error;
    await setAside(options.directory, logger, asDamage(error));
    return ShardStore.open(options);
  }
}

/** Has the store set aside at the next start. */
async function markDamaged(directory: string): Promise<void> {
  await writeFile(join(directory, MARK), '');
}

export function storeDirectoryOf(shardDirectory: string): string {
  return join(shardDirectory, 'store');
}

/** Ends a shard whose store is of no use any more. Damaged files are not to be used again at the next start. */
export async function endWithStore(shardDirectory: string, error: Error, logger: Logger, end: (error: Error) => void): Promise<void> {
  try {
    if (isDamage(error)) await markDamaged(storeDirectoryOf(shardDirectory));
  } catch (cause) {
    logger.error({ err: cause }, 'the damaged store cannot be marked');
  }
  end(error);
}

async function setAside(directory: string, logger: Logger, reason: unknown): Promise<void> {
  const aside = `${directory}.damaged`;
  try {
    await rm(aside, { recursive: true, force: true });
    await rename(directory, aside);
  } catch (cause) {
    throw new ShoalError('directory_unusable', `The damaged data in ${directory} cannot be set aside. Make the directory writable, or remove it and start again; the log is replayed.`, { cause });
  }
  logger.error({ err: reason, aside }, 'the data on disk is damaged and was set aside; every slot is rebuilt from a snapshot or the log');
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

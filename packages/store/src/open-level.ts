import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ShoalError } from '@shoal/protocol';
import { ClassicLevel } from 'classic-level';
import { STORE_LIMITS } from './limits.ts';

export type Rows = ClassicLevel<Buffer, Buffer>;

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** Opens a LevelDB directory, creating it when missing. Throws `directory_locked`, `directory_unusable` or `store_corrupt`. */
export async function openLevel(directory: string): Promise<Rows> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (cause) {
    throw new ShoalError('directory_unusable', `The data directory ${directory} cannot be created. Choose a writable one with SHOAL_DATA_DIR.`, { cause });
  }
  const rows: Rows = new ClassicLevel<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    // Vectors do not compress, and decompression would be paid by every read.
    compression: false,
    writeBufferSize: STORE_LIMITS.writeBufferBytes,
    cacheSize: STORE_LIMITS.blockCacheBytes,
    maxFileSize: STORE_LIMITS.maxFileBytes,
  });
  try {
    await rows.open();
  } catch (error) {
    throw (await isWithoutManifest(directory)) ? damaged(directory, error) : openFailure(directory, error);
  }
  if (await hasDroppedBatches(directory)) {
    await rows.close();
    throw damaged(directory, undefined);
  }
  return rows;
}

/**
 * LevelDB passes over damaged batches of its log at an opening and keeps those behind them; the binding has no option to be told. LevelDB
 * writes what it dropped into its file `LOG`, which is begun anew with each opening. A log that only ends too early, as after a crash, is
 * not mentioned there.
 */
async function hasDroppedBatches(directory: string): Promise<boolean> {
  return / dropping \d+ bytes; /.test(await readFile(join(directory, 'LOG'), 'utf8'));
}

/** Whether the file that names the manifest is there and names none. */
async function isWithoutManifest(directory: string): Promise<boolean> {
  try {
    const current = await readFile(join(directory, 'CURRENT'), 'latin1');
    return !(await readdir(directory)).includes(current.trimEnd());
  } catch {
    return false;
  }
}

function damaged(directory: string, cause: unknown): ShoalError {
  return new ShoalError('store_corrupt', `The data in ${directory} is damaged. Set the directory aside and start again; the log is replayed.`, { cause });
}

function openFailure(directory: string, error: unknown): ShoalError {
  const cause = error instanceof Error ? error.cause : undefined;
  switch (codeOf(cause)) {
    case 'LEVEL_LOCKED':
      return new ShoalError('directory_locked', `Another process uses the data directory ${directory}. Stop it, or choose another with SHOAL_DATA_DIR.`, { cause });
    case 'LEVEL_CORRUPTION':
      return damaged(directory, cause);
    default:
      return new ShoalError('directory_unusable', `The data directory ${directory} cannot be opened. Choose a writable one with SHOAL_DATA_DIR.`, { cause: cause ?? error });
  }
}

import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ShoalError } from '@shoal/protocol';

export interface RootKey {
  readonly key: string;
  /** Where the key came from, for the operator. */
  readonly source: 'environment' | 'file' | 'generated';
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** The given key, or the one in `root-key` of the data directory, which is made on the first start and readable by its owner alone. */
export async function resolveRootKey(directory: string, given: string | undefined): Promise<RootKey> {
  if (given !== undefined && given !== '') return { key: given, source: 'environment' };
  const path = join(directory, 'root-key');
  try {
    return { key: (await readFile(path, 'utf8')).trim(), source: 'file' };
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw unusable(directory, error);
  }
  const key = `shoal_${randomBytes(24).toString('base64url')}`;
  try {
    await mkdir(directory, { recursive: true });
    await writeFile(path, `${key}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    // Another start made the file in between: its key counts.
    if (codeOf(error) === 'EEXIST') return resolveRootKey(directory, given);
    throw unusable(directory, error);
  }
  return { key, source: 'generated' };
}

function unusable(directory: string, cause: unknown): ShoalError {
  return new ShoalError('directory_unusable', `The data directory ${directory} cannot be written. Choose a writable one with SHOAL_DATA_DIR.`, { cause });
}

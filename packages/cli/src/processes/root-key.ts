/** The root key of a local cluster: made once, kept in the data directory, readable by its owner alone. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ShoalError } from '@shoal/protocol';
import { readRootKey } from '../connection.ts';

export async function ensureRootKey(dataDirectory: string): Promise<string> {
  try {
    await mkdir(dataDirectory, { recursive: true });
    const kept = await readRootKey(dataDirectory);
    if (kept !== undefined) return kept;
    const key = `shoal_${randomBytes(24).toString('base64url')}`;
    await writeFile(join(dataDirectory, 'root-key'), `${key}\n`, { mode: 0o600 });
    return key;
  } catch (cause) {
    throw new ShoalError('directory_unusable', `The data directory ${dataDirectory} cannot be written; choose another with --data-dir.`, { cause });
  }
}

/**
 * The place of a load, kept so that an interrupted one can continue. One file per load:
 *
 *   file = JSON: {"version": 1, "file": text, "embedding": text, "rowsBelow": integer, "isComplete": boolean,
 *          "receipt": {slot: sequence}, "checksum": SHA-256 of the JSON of all members before it, hexadecimal}
 *
 * It is replaced as a whole by renaming. A file that is damaged counts as absent: loading again from the start repeats
 * upserts, which changes nothing.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ReceiptJson } from '@shoal/client';

export interface LoadProgress {
  /** For people who look into the file. */
  readonly file: string;
  readonly embedding: string;
  /** Every row under this one is acknowledged. */
  readonly rowsBelow: number;
  readonly isComplete: boolean;
  /** Proves all of these rows. */
  readonly receipt: ReceiptJson;
}

const VERSION = 1;

function checksumOf(progress: LoadProgress): string {
  const { file, embedding, rowsBelow, isComplete, receipt } = progress;
  return createHash('sha256').update(JSON.stringify({ version: VERSION, file, embedding, rowsBelow, isComplete, receipt })).digest('hex');
}

export function encodeProgress(progress: LoadProgress): string {
  const { file, embedding, rowsBelow, isComplete, receipt } = progress;
  return `${JSON.stringify({ version: VERSION, file, embedding, rowsBelow, isComplete, receipt, checksum: checksumOf(progress) })}\n`;
}

/** Undefined for anything that `encodeProgress` did not write. */
export function decodeProgress(text: string): LoadProgress | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== VERSION) return undefined;
  // The checksum proves that this program wrote the members, so their types need no second look.
  const { file, embedding, rowsBelow, isComplete, receipt, checksum } = value as unknown as LoadProgress & { checksum: unknown };
  const progress: LoadProgress = { file, embedding, rowsBelow, isComplete, receipt };
  return checksumOf(progress) === checksum ? progress : undefined;
}

export async function readProgress(path: string): Promise<LoadProgress | undefined> {
  try {
    return decodeProgress(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function writeProgress(path: string, progress: LoadProgress): Promise<void> {
  const next = `${path}.next`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(next, encodeProgress(progress));
  await rename(next, path);
}

export async function forgetProgress(path: string): Promise<void> {
  await rm(path, { force: true });
}

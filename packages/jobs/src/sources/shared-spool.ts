/**
 * Remote files that the threads of one process keep from one chunk to the next: fetched by whoever needs one first, removed when none has asked for it
 * for JOB_LIMITS.spooledIdleMs.
 */
import { createHash } from 'node:crypto';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { locks } from 'node:worker_threads';
import { JOB_LIMITS } from '../limits.ts';
import { unavailableSource } from './source-failure.ts';
import { fetchTo, type Spool, type SpooledSource } from './spooled-file.ts';

const PARTIAL = '.partial';

/** The directory belongs to one process, all of whose threads may use it. */
export function sharedSpool(directory: string): Spool {
  return {
    path(source, identity) {
      const path = join(directory, createHash('sha256').update(identity).digest('hex'));
      // Among all threads; a thread that ends gives its locks back.
      return locks.request(`shoal spool ${path}`, async () => {
        if (!(await isKept(path))) await fetchWhole(directory, path, source);
        return path;
      });
    },
    release: () => Promise.resolve(),
  };
}

/** Counts as asking for the file. */
async function isKept(path: string): Promise<boolean> {
  const now = new Date();
  return utimes(path, now, now).then(() => true, () => false);
}

async function fetchWhole(directory: string, path: string, source: SpooledSource): Promise<void> {
  const takenBytes = (await filesIn(directory)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (takenBytes > 0 && takenBytes + source.sizeBytes > JOB_LIMITS.spooledFileBytes) throw unavailableSource(source.name, 'other files take the room for temporary ones.');
  const partial = `${path}${PARTIAL}`;
  try {
    await fetchTo(partial, source);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Removes what nobody has asked for lately. A file that is open stays readable. */
export async function sweepSpool(directory: string, nowMs: number): Promise<void> {
  for (const { path, usedAtMs } of await filesIn(directory)) {
    if (usedAtMs < nowMs - JOB_LIMITS.spooledIdleMs) await rm(path, { force: true });
  }
}

async function filesIn(directory: string): Promise<readonly { readonly path: string; readonly sizeBytes: number; readonly usedAtMs: number }[]> {
  const paths = (await readdir(directory, { withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => join(directory, name));
  const files = await Promise.all(paths.map((path) => stat(path).then(({ size, mtimeMs }) => [{ path, sizeBytes: size, usedAtMs: mtimeMs }], () => [])));
  return files.flat();
}

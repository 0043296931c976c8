/** Backups in a directory of this machine. A file is written beside its place, brought to the disk, and only then gets its name. */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { corrupt, unavailable } from '../backup-failure.ts';
import { BACKUP_LIMITS } from '../limits.ts';
import type { BackupPlace } from './backup-place.ts';

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

export class DirectoryPlace implements BackupPlace {
  readonly name: string;

  constructor(directory: string) {
    this.name = directory;
  }

  async write(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const target = join(this.name, path);
    const partial = `${target}.${randomBytes(4).toString('hex')}.partial`;
    try {
      await this.#stored(path, () => mkdir(dirname(target), { recursive: true }));
      const file = await this.#stored(path, () => open(partial, 'wx'));
      try {
        for await (const piece of content) {
          signal.throwIfAborted();
          await this.#stored(path, () => file.writeFile(piece));
        }
        await this.#stored(path, () => file.sync());
      } finally {
        await file.close();
      }
      await this.#stored(path, async () => {
        await rename(partial, target);
        const directory = await open(dirname(target), 'r');
        await directory.sync().finally(() => directory.close());
      });
    } catch (error) {
      await rm(partial, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async *read(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of createReadStream(join(this.name, path), { highWaterMark: BACKUP_LIMITS.readBytes, signal })) yield piece as Buffer;
    } catch (cause) {
      signal.throwIfAborted();
      if (isMissing(cause)) throw corrupt(`${this.name} has no file ${path}.`, cause);
      throw unavailable(`${path} in ${this.name} cannot be read.`, cause);
    }
  }

  async exists(path: string): Promise<boolean> {
    try {
      await stat(join(this.name, path));
      return true;
    } catch (cause) {
      if (isMissing(cause)) return false;
      throw unavailable(`${this.name} cannot be read.`, cause);
    }
  }

  async folders(): Promise<readonly string[]> {
    try {
      const entries = await readdir(this.name, { withFileTypes: true });
      return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort().slice(-BACKUP_LIMITS.backups);
    } catch (cause) {
      if (isMissing(cause)) return [];
      throw unavailable(`${this.name} cannot be read.`, cause);
    }
  }

  async remove(folder: string, first: string): Promise<void> {
    await this.#stored(folder, async () => {
      await rm(join(this.name, folder, first), { force: true });
      await rm(join(this.name, folder), { recursive: true, force: true });
    });
  }

  async #stored<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw unavailable(`${path} cannot be written in ${this.name}.`, cause);
    }
  }
}

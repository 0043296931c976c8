/**
 * Snapshots as files: `<directory>/slot-<slot>/<sequence, 16 digits>-<nonce>.snapshot`. A file is written beside its place, brought
 * to the disk, and only then gets its name; what a crash left half written is removed at an opening an hour later.
 */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Sequence, ShoalError, type Slot } from '@shoal/protocol';
import { Easing } from '../easing.ts';
import { BUS_LIMITS } from '../limits.ts';
import { plainBytes } from '../plain-bytes.ts';
import type { SnapshotDescription, Snapshots } from '../snapshots.ts';

const NAME = /^(\d{16})-[0-9a-f]{8}\.snapshot$/;
const PARTIAL = '.partial';
const PARTIAL_AGE_MS = 60 * 60 * 1000;
const READ_BYTES = 1024 * 1024;

/** Opens, and creates, a directory of snapshots. Rejects with `directory_unusable`. Several processes may use one. */
export async function openDirectorySnapshots(directory: string): Promise<Snapshots> {
  try {
    await mkdir(directory, { recursive: true });
    await removePartial(directory);
  } catch (cause) {
    throw new ShoalError('directory_unusable', `The directory ${directory} cannot be used for snapshots.`, { cause });
  }
  return new DirectorySnapshots(directory);
}

async function removePartial(directory: string): Promise<void> {
  for (const slotDirectory of await readdir(directory)) {
    if (!slotDirectory.startsWith('slot-')) continue;
    for (const file of await readdir(join(directory, slotDirectory))) {
      if (!file.endsWith(PARTIAL)) continue;
      const path = join(directory, slotDirectory, file);
      // A younger one may be another process's work.
      if ((await stat(path)).mtimeMs < Date.now() - PARTIAL_AGE_MS) await rm(path, { force: true });
    }
  }
}

class DirectorySnapshots implements Snapshots {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async put(slot: Slot, sequence: Sequence, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<SnapshotDescription> {
    const name = `${String(sequence).padStart(16, '0')}-${randomBytes(4).toString('hex')}.snapshot`;
    const slotDirectory = this.#slotDirectory(slot);
    const partial = join(slotDirectory, name + PARTIAL);
    try {
      await this.#orUnavailable(() => mkdir(slotDirectory, { recursive: true }));
      const contentBytes = await this.#write(partial, content, signal);
      await this.#orUnavailable(async () => {
        await rename(partial, join(slotDirectory, name));
        await syncDirectory(slotDirectory);
      });
      return { slot, sequence, name, contentBytes };
    } catch (error) {
      await rm(partial, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async #write(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<number> {
    const file = await this.#orUnavailable(() => open(path, 'wx'));
    let contentBytes = 0;
    let unsyncedBytes = 0;
    try {
      for await (const piece of new Easing(signal).of(content)) {
        signal.throwIfAborted();
        await this.#orUnavailable(() => file.writeFile(piece));
        contentBytes += piece.length;
        unsyncedBytes += piece.length;
        if (unsyncedBytes < BUS_LIMITS.snapshotSyncBytes) continue;
        // A little at a time: who waits for the disk meanwhile waits behind all that is not there yet.
        await this.#orUnavailable(() => file.datasync());
        unsyncedBytes = 0;
      }
      await this.#orUnavailable(() => file.sync());
    } finally {
      await file.close();
    }
    return contentBytes;
  }

  async list(slot: Slot): Promise<readonly SnapshotDescription[]> {
    const slotDirectory = this.#slotDirectory(slot);
    return this.#orUnavailable(async () => {
      const found: SnapshotDescription[] = [];
      for (const name of await readdir(slotDirectory).catch(nothingWhenMissing)) {
        const match = NAME.exec(name);
        if (match === null) continue;
        const { size } = await stat(join(slotDirectory, name));
        found.push({ slot, sequence: Number(match[1]) as Sequence, name, contentBytes: size });
      }
      return found.sort((a, b) => b.sequence - a.sequence || (a.name < b.name ? 1 : -1));
    });
  }

  async *read(snapshot: SnapshotDescription, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const stream = createReadStream(join(this.#slotDirectory(snapshot.slot), snapshot.name), { highWaterMark: READ_BYTES, signal });
    try {
      for await (const piece of stream) yield plainBytes(piece as Uint8Array);
    } catch (cause) {
      signal.throwIfAborted();
      throw unavailable(this.#directory, cause);
    } finally {
      stream.destroy();
    }
  }

  async delete(snapshot: SnapshotDescription): Promise<void> {
    await this.#orUnavailable(() => rm(join(this.#slotDirectory(snapshot.slot), snapshot.name), { force: true }));
  }

  async close(): Promise<void> {
    // Nothing is held open between calls.
  }

  #slotDirectory(slot: Slot): string {
    return join(this.#directory, `slot-${slot}`);
  }

  async #orUnavailable<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (cause) {
      throw unavailable(this.#directory, cause);
    }
  }
}

function unavailable(directory: string, cause: unknown): ShoalError {
  return new ShoalError('snapshot_unavailable', `A snapshot in ${directory} cannot be written or read.`, { cause });
}

function nothingWhenMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

/** Makes a rename durable; where directories cannot be opened for that, the file system does it by itself. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

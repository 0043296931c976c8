/** A remote file as a temporary local one, for libraries that need a path. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { JOB_LIMITS } from '../limits.ts';
import type { ByteSource } from './byte-source.ts';
import { invalidSource } from './source-failure.ts';

export type SpooledSource = Pick<ByteSource, 'name' | 'sizeBytes' | 'read'>;

export interface Spool {
  /** Where the whole file lies; fetched once, however often it is asked for. The identity tells the contents from any others. */
  path(source: SpooledSource, identity: string): Promise<string>;
  /** Says that nobody asks for the file through this any more. */
  release(): Promise<void>;
}

/** Throws `source_invalid` for a file that is too large. */
export async function fetchTo(path: string, source: SpooledSource): Promise<void> {
  if (source.sizeBytes > JOB_LIMITS.spooledFileBytes) throw invalidSource(source.name, `the file has more than ${JOB_LIMITS.spooledFileBytes} bytes.`);
  async function* parts(): AsyncGenerator<Buffer> {
    for (let offset = 0; offset < source.sizeBytes; offset += JOB_LIMITS.readBytes) yield await source.read(offset, JOB_LIMITS.readBytes);
  }
  await pipeline(parts, createWriteStream(path));
}

/** A file that is there until it is released. */
export class SpooledFile implements Spool {
  #directory: string | undefined;
  #path: Promise<string> | undefined;

  path(source: SpooledSource): Promise<string> {
    this.#path ??= this.#fetch(source);
    return this.#path;
  }

  async release(): Promise<void> {
    await this.#path?.catch(() => undefined);
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }

  async #fetch(source: SpooledSource): Promise<string> {
    this.#directory = await mkdtemp(join(tmpdir(), 'shoal-import-'));
    const path = join(this.#directory, 'file');
    await fetchTo(path, source);
    return path;
  }
}

/** A remote file as a temporary local one, for libraries that need a path. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { JOB_LIMITS } from '../limits.ts';
import { invalidSource } from './source-failure.ts';

export class SpooledFile {
  #directory: string | undefined;
  #path: Promise<string> | undefined;

  /** Fetched once, however often it is asked for. */
  path(source: { readonly name: string; readonly sizeBytes: number; read(offset: number, length: number): Promise<Buffer> }): Promise<string> {
    this.#path ??= this.#fetch(source);
    return this.#path;
  }

  async remove(): Promise<void> {
    await this.#path?.catch(() => undefined);
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }

  async #fetch(source: { readonly name: string; readonly sizeBytes: number; read(offset: number, length: number): Promise<Buffer> }): Promise<string> {
    if (source.sizeBytes > JOB_LIMITS.spooledFileBytes) throw invalidSource(source.name, `the file has more than ${JOB_LIMITS.spooledFileBytes} bytes.`);
    this.#directory = await mkdtemp(join(tmpdir(), 'shoal-import-'));
    const path = join(this.#directory, 'file');
    async function* parts(): AsyncGenerator<Buffer> {
      for (let offset = 0; offset < source.sizeBytes; offset += JOB_LIMITS.readBytes) yield await source.read(offset, JOB_LIMITS.readBytes);
    }
    await pipeline(parts, createWriteStream(path));
    return path;
  }
}

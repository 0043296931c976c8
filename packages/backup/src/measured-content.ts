import { createHash } from 'node:crypto';
import { corrupt } from './backup-failure.ts';
import type { StoredFile } from './manifest.ts';

/** Content that is counted and digested on its way. */
export class MeasuredContent {
  readonly #content: AsyncIterable<Uint8Array>;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#content = content;
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    for await (const piece of this.#content) {
      this.#hash.update(piece);
      this.#bytes += piece.length;
      yield piece;
    }
  }

  /** Once, after the last piece. */
  stored(path: string): StoredFile {
    return { path, bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }
}

/** The content of a file, which fails with `backup_corrupt` at its end when it is not what was stored. */
export async function* checkedContent(content: AsyncIterable<Uint8Array>, expected: StoredFile): AsyncGenerator<Uint8Array> {
  const measured = new MeasuredContent(content);
  yield* measured.pieces();
  const { bytes, sha256 } = measured.stored(expected.path);
  if (bytes !== expected.bytes || sha256 !== expected.sha256) throw corrupt(`The file ${expected.path} of the backup is not what was stored.`);
}

/** Throws `backup_corrupt` for more than `maximumBytes`. */
export async function readWhole(content: AsyncIterable<Uint8Array>, maximumBytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of content) {
    bytes += piece.length;
    if (bytes > maximumBytes) throw corrupt(`A file of the backup is larger than ${maximumBytes} bytes.`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces, bytes);
}

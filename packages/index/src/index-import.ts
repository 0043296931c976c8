import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { MAX_VECTORS, RECORD_KINDS } from '@shoal/kernel';
import type { Address } from '@shoal/kernel';
import { EngineMemoryFullError, IndexFileError } from './errors.ts';
import { STAGING_BYTES } from './group-application.ts';
import type { WriterContext } from './group-application.ts';
import { CRC_BYTES, HEADER_BYTES, crcOf, decodeHeader, piecesOf, runsOf } from './index-file.ts';
import type { IndexFileHeader, Piece } from './index-file.ts';
import type { CreateParameters } from './kernel-parameters.ts';

/**
 * An index from a file that `exportIndex` wrote. Bytes are read to where they stay. Rejects with IndexFileError where the file is missing,
 * damaged or another index's, with EngineMemoryFullError, or with what reading threw; nothing of the index is left then.
 */
export async function importIndex(writer: WriterContext, parameters: CreateParameters, path: string): Promise<Address> {
  const file = await openFile(path);
  try {
    const { kernel } = writer;
    const head = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await file.read(head, 0, HEADER_BYTES, 0);
    const header = decodeHeader(head.subarray(0, bytesRead), parameters);
    if (header.idCount > MAX_VECTORS) throw new IndexFileError('it has more vectors than an index can');
    const index = kernel.createIndex(...parameters) >>> 0;
    if (index === 0) throw new EngineMemoryFullError();
    try {
      if (kernel.importBegin(index, header.idCount) === 0) throw new EngineMemoryFullError();
      await new IndexFileReader(writer, index, header, file).read(crcOf(head));
      kernel.importEnd(index, header.idCount, header.entry);
      return index;
    } catch (error) {
      kernel.dropIndex(index);
      throw error;
    }
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw new IndexFileError('it is missing');
    throw error;
  }
}

class IndexFileReader {
  readonly #writer: WriterContext;
  readonly #index: Address;
  readonly #header: IndexFileHeader;
  readonly #file: FileHandle;
  readonly #checksum = Buffer.alloc(CRC_BYTES);
  readonly #upper = Buffer.alloc(STAGING_BYTES);
  #position = HEADER_BYTES;
  #crc = 0;

  constructor(writer: WriterContext, index: Address, header: IndexFileHeader, file: FileHandle) {
    this.#writer = writer;
    this.#index = index;
    this.#header = header;
    this.#file = file;
  }

  async read(headerCrc: number): Promise<void> {
    this.#crc = headerCrc;
    for (const piece of piecesOf(this.#writer.kernel, this.#index, this.#header, STAGING_BYTES)) await this.#readPiece(piece);
    const { bytesRead } = await this.#file.read(this.#checksum, 0, 1, this.#position);
    if (bytesRead > 0) throw new IndexFileError('it goes on behind its end');
  }

  async #readPiece(piece: Piece): Promise<void> {
    const { kernel, views } = this.#writer;
    switch (piece.type) {
      case 'centre':
        return this.#fill([views.bytes(kernel.centreAddress(this.#index) >>> 0, piece.byteLength)]);
      case 'records':
        await this.#fill(runsOf(kernel, this.#index, piece).map(({ address, byteLength }) => views.bytes(address, byteLength)));
        return this.#takeIn(piece);
      case 'upper':
        return this.#readUpper(piece);
      default:
        return piece satisfies never;
    }
  }

  /** Reads into the views, in order, and checks them. */
  async #fill(views: readonly Uint8Array[]): Promise<void> {
    const byteLength = views.reduce((sum, view) => sum + view.length, 0);
    const { bytesRead } = await this.#file.readv([...views, this.#checksum], this.#position);
    if (bytesRead < byteLength + CRC_BYTES) throw new IndexFileError('it ends too early');
    for (const view of views) this.#crc = crc32(view, this.#crc);
    if (this.#checksum.readUInt32LE(0) !== this.#crc) throw new IndexFileError('a part does not fit its checksum');
    this.#position += bytesRead;
  }

  #takeIn({ kind, from, count }: Piece & { type: 'records' }): void {
    const { kernel } = this.#writer;
    if (kind === RECORD_KINDS.vectors) {
      if (kernel.importVectors(this.#index, from, count) === 0) throw new EngineMemoryFullError();
    } else if (kind === RECORD_KINDS.codes) {
      kernel.importCodes(this.#index, from, count);
    } else if (kernel.importLinks(this.#index, from, count, this.#header.idCount) === 0) {
      throw new IndexFileError('a list of neighbours is too long');
    }
  }

  async #readUpper({ from, count }: Piece & { type: 'upper' }): Promise<void> {
    const { kernel, views, staging } = this.#writer;
    const content = this.#upper.subarray(0, kernel.upperBytes(this.#index, from, count));
    await this.#fill([content]);
    // Others use the staging area between turns; within one it is this piece's.
    views.bytes(staging, content.length).set(content);
    if (kernel.importUpper(this.#index, from, count, staging, this.#header.idCount) === 0) throw new IndexFileError('a list of neighbours is too long');
  }
}

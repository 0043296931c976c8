import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { DIED_NEVER, RECORD_KINDS } from '@shoal/kernel';
import type { Address } from '@shoal/kernel';
import { STAGING_BYTES } from './group-application.ts';
import type { WriterContext } from './group-application.ts';
import { CRC_BYTES, HEADER_BYTES, crcOf, encodeHeader, headerOf, piecesOf, runsOf } from './index-file.ts';
import type { Piece } from './index-file.ts';
import type { CreateParameters } from './kernel-parameters.ts';
import { PIECE_BYTES, SYNC_BYTES } from './limits.ts';

/**
 * Writes an index with a graph to a file, on the thread that writes indexes: a piece is copied in one turn, and while it goes to the disk
 * other work has the thread. The file is there under its name only when all of it is on the disk. Resolves with its bytes; rejects
 * when the signal aborts.
 */
export async function exportIndex(writer: WriterContext, index: Address, parameters: CreateParameters, path: string, signal?: AbortSignal): Promise<number> {
  const { kernel } = writer;
  const header = headerOf(parameters, kernel.highWater(index) >>> 0, kernel.entryWord(index) >>> 0);
  const unfinished = `${path}.tmp`;
  const file = await open(unfinished, 'w');
  try {
    const head = encodeHeader(header);
    await file.writeFile(head);
    let crc = crcOf(head);
    let byteCount = HEADER_BYTES;
    const buffer = Buffer.alloc(Math.max(PIECE_BYTES, STAGING_BYTES) + CRC_BYTES);
    let unsyncedBytes = 0;
    for (const piece of piecesOf(kernel, index, header, STAGING_BYTES)) {
      signal?.throwIfAborted();
      const byteLength = copyPiece(writer, index, piece, buffer);
      crc = crc32(buffer.subarray(0, byteLength), crc);
      buffer.writeUInt32LE(crc, byteLength);
      await file.writeFile(buffer.subarray(0, byteLength + CRC_BYTES));
      byteCount += byteLength + CRC_BYTES;
      unsyncedBytes += byteLength;
      if (unsyncedBytes < SYNC_BYTES) continue;
      // A little at a time, so that the disk keeps answering others and an end is never far.
      await file.datasync();
      unsyncedBytes = 0;
    }
    await file.sync();
    await file.close();
    await rename(unfinished, path);
    await syncDirectory(dirname(path));
    return byteCount;
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Copies a piece to the buffer's beginning; returns its bytes. */
function copyPiece({ kernel, views, staging }: WriterContext, index: Address, piece: Piece, buffer: Buffer): number {
  switch (piece.type) {
    case 'centre': {
      buffer.set(views.bytes(kernel.centreAddress(index) >>> 0, piece.byteLength));
      return piece.byteLength;
    }
    case 'records': {
      let at = 0;
      for (const { address, byteLength } of runsOf(kernel, index, piece)) {
        buffer.set(views.bytes(address, byteLength), at);
        at += byteLength;
      }
      if (piece.kind !== RECORD_KINDS.links) settleHeads(buffer, at, piece);
      return at;
    }
    case 'upper': {
      const byteLength = kernel.exportUpper(index, piece.from, piece.count, staging) >>> 0;
      buffer.set(views.bytes(staging, byteLength));
      return byteLength;
    }
    default:
      return piece satisfies never;
  }
}

/** Leaves in the heads of vector and code records what means something outside this memory, so that equal indexes have equal files. */
function settleHeads(buffer: Buffer, byteLength: number, { kind, recordBytes }: Piece & { type: 'records' }): void {
  const words = new Uint32Array(buffer.buffer, buffer.byteOffset, byteLength / 4);
  for (let at = 0; at < words.length; at += recordBytes / 4) {
    const died = words[at + 1] ?? 0;
    const isVector = kind === RECORD_KINDS.vectors;
    words[at] = isVector && died !== 0 ? 1 : 0;
    words[at + 1] = isVector ? (died === 0 || died === DIED_NEVER ? died : 1) : 0;
    if (isVector) words[at + 2] = 0;
  }
}

/** So that the file keeps its name through a power failure. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Sequential reading of a file made of records of one size, a bounded chunk at a time. */
import { open, type FileHandle } from 'node:fs/promises';
import { DatasetError } from './dataset-error.ts';
import { DATASET_LIMITS } from './limits.ts';

export interface RecordLayout {
  readonly path: string;
  /** Where record 0 begins. */
  readonly firstByte: number;
  readonly recordBytes: number;
  /** Whole records in the file. */
  readonly recordCount: number;
}

export interface FixedRecord {
  readonly row: number;
  readonly byteOffset: number;
  /** A view into the chunk: valid only until the next record is asked for. */
  readonly bytes: Buffer;
}

/** Why a file does not open, without the path, which the error names already. */
function reasonOf(error: unknown): string {
  switch ((error as NodeJS.ErrnoException | undefined)?.code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'it may not be read by this user';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

export async function openFile(path: string): Promise<{ handle: FileHandle; fileBytes: number }> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error('it is not a regular file');
    return { handle, fileBytes: stat.size };
  } catch (error) {
    await handle?.close();
    throw new DatasetError('invalid_field', { file: path }, `cannot be opened: ${reasonOf(error)}.`, error);
  }
}

/** Reads exactly `bytes.length` bytes at `position`, or fewer at the end of the file. Returns how many. */
export async function readFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

export async function* fixedRecords(layout: RecordLayout, startRow: number, signal?: AbortSignal): AsyncGenerator<FixedRecord> {
  const { path, firstByte, recordBytes, recordCount } = layout;
  const recordsPerChunk = Math.max(1, Math.floor(DATASET_LIMITS.chunkBytes / recordBytes));
  const { handle } = await openFile(path);
  try {
    const chunk = Buffer.alloc(Math.min(recordsPerChunk, Math.max(recordCount - startRow, 0)) * recordBytes);
    for (let row = startRow; row < recordCount; ) {
      signal?.throwIfAborted();
      const count = Math.min(recordsPerChunk, recordCount - row);
      const position = firstByte + row * recordBytes;
      const filled = await readFully(handle, chunk.subarray(0, count * recordBytes), position);
      if (filled < count * recordBytes) {
        const shortRow = row + Math.floor(filled / recordBytes);
        const byteOffset = firstByte + shortRow * recordBytes;
        throw new DatasetError('malformed_body', { file: path, row: shortRow, byteOffset }, 'the file became shorter while it was read.');
      }
      for (let index = 0; index < count; index += 1, row += 1) {
        const at = index * recordBytes;
        yield { row, byteOffset: position + at, bytes: chunk.subarray(at, at + recordBytes) };
      }
    }
  } finally {
    await handle.close();
  }
}

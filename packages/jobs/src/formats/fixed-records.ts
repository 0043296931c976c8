/** Files that are an array of records of one size: fvecs, bvecs and npy. */
import type { ByteSource } from '../sources/byte-source.ts';
import { invalidSource } from '../sources/source-failure.ts';
import { JOB_LIMITS } from '../limits.ts';
import type { ChunkRange } from './file-format.ts';

export interface RecordLayout {
  /** Where record 0 begins. */
  readonly firstByte: number;
  readonly recordBytes: number;
  readonly rowCount: number;
}

/** Chunks of equal numbers of rows. */
export function rowChunks(rowCount: number, chunkRows: number = JOB_LIMITS.chunkRows): ChunkRange[] {
  const chunks: ChunkRange[] = [];
  for (let firstRow = 0; firstRow < rowCount; firstRow += chunkRows) chunks.push({ firstRow, rowCount: Math.min(chunkRows, rowCount - firstRow) });
  return chunks;
}

/** Some consecutive records, back to back. */
export interface RecordBlock {
  readonly firstRow: number;
  readonly rowCount: number;
  /** Nobody writes to it again. */
  readonly bytes: Buffer;
}

/** The records of a chunk, as many at a time as one read brings. */
export async function* blocksOf(source: ByteSource, layout: RecordLayout, chunk: ChunkRange): AsyncGenerator<RecordBlock> {
  const { firstByte, recordBytes } = layout;
  const recordsPerRead = Math.max(1, Math.floor(JOB_LIMITS.readBytes / recordBytes));
  const endRow = chunk.firstRow + chunk.rowCount;
  for (let firstRow = chunk.firstRow; firstRow < endRow; firstRow += recordsPerRead) {
    const rowCount = Math.min(recordsPerRead, endRow - firstRow);
    const bytes = await source.read(firstByte + firstRow * recordBytes, rowCount * recordBytes);
    if (bytes.length < rowCount * recordBytes) throw invalidSource(source.name, `the file ends inside row ${firstRow + Math.floor(bytes.length / recordBytes)}.`);
    yield { firstRow, rowCount, bytes };
  }
}

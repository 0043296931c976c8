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

/** The records of a chunk; the buffers are views that stay valid. */
export async function* recordsOf(source: ByteSource, layout: RecordLayout, chunk: ChunkRange): AsyncGenerator<{ readonly row: number; readonly bytes: Buffer }> {
  const { firstByte, recordBytes } = layout;
  const recordsPerRead = Math.max(1, Math.floor(JOB_LIMITS.readBytes / recordBytes));
  const endRow = chunk.firstRow + chunk.rowCount;
  for (let row = chunk.firstRow; row < endRow; ) {
    const count = Math.min(recordsPerRead, endRow - row);
    const bytes = await source.read(firstByte + row * recordBytes, count * recordBytes);
    if (bytes.length < count * recordBytes) throw invalidSource(source.name, `the file ends inside row ${row + Math.floor(bytes.length / recordBytes)}.`);
    for (let index = 0; index < count; index += 1, row += 1) yield { row, bytes: bytes.subarray(index * recordBytes, (index + 1) * recordBytes) };
  }
}

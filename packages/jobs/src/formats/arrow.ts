/** Apache Arrow IPC, the file and the stream form. Record batches are passed over without decoding until the chunk's rows come. */
import { RecordBatchReader, type RecordBatch } from 'apache-arrow';
import type { ByteSource } from '../sources/byte-source.ts';
import { invalidSource } from '../sources/source-failure.ts';
import { JOB_LIMITS } from '../limits.ts';
import type { ChunkRange, FileContents, FileFormat } from './file-format.ts';
import { rowChunks } from './fixed-records.ts';
import type { RawRow } from './row.ts';

async function* bytesOf(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < source.sizeBytes; offset += JOB_LIMITS.readBytes) yield await source.read(offset, JOB_LIMITS.readBytes);
}

async function* batchesOf(source: ByteSource): AsyncGenerator<RecordBatch> {
  try {
    const reader = await RecordBatchReader.from(bytesOf(source));
    for await (const batch of reader) yield batch;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause) throw cause;
    throw invalidSource(source.name, 'the file is no Arrow IPC file or stream that can be read.', cause);
  }
}

async function scan(source: ByteSource): Promise<FileContents> {
  let rowCount = 0;
  for await (const batch of batchesOf(source)) rowCount += batch.numRows;
  return { rowCount, settings: {}, chunks: rowChunks(rowCount) };
}

/** Lists and fixed-size lists become arrays of numbers, structures become objects. */
function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>);
  if ('toArray' in value && typeof value.toArray === 'function') return Array.from(value.toArray() as ArrayLike<unknown>, plainValue);
  if ('toJSON' in value && typeof value.toJSON === 'function') return value.toJSON();
  return value;
}

async function* rows(source: ByteSource, chunk: ChunkRange): AsyncGenerator<RawRow> {
  const endRow = chunk.firstRow + chunk.rowCount;
  let batchRow = 0;
  for await (const batch of batchesOf(source)) {
    const first = Math.max(chunk.firstRow, batchRow);
    const end = Math.min(endRow, batchRow + batch.numRows);
    for (let row = first; row < end; row += 1) {
      const fields: Record<string, unknown> = {};
      for (const { name } of batch.schema.fields) fields[name] = plainValue(batch.getChild(name)?.get(row - batchRow));
      yield { row, fields };
    }
    batchRow += batch.numRows;
    if (batchRow >= endRow) return;
  }
}

export const arrow: FileFormat = { scan, rows };

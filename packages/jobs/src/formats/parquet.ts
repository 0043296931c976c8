/** Apache Parquet, read by ranges: the footer, and per chunk the pages of the wanted columns. */
import { parquetMetadataAsync, parquetReadObjects, parquetSchema, type AsyncBuffer, type FileMetaData } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { ByteSource } from '../sources/byte-source.ts';
import { invalidSource } from '../sources/source-failure.ts';
import { JOB_LIMITS } from '../limits.ts';
import type { ChunkRange, FileContents, FileFormat, ReaderSettings } from './file-format.ts';
import type { RawRow } from './row.ts';

function asyncBuffer(source: ByteSource): AsyncBuffer {
  return {
    byteLength: source.sizeBytes,
    async slice(start, end = source.sizeBytes) {
      const first = start < 0 ? Math.max(0, source.sizeBytes + start) : start;
      const bytes = await source.read(first, end - first);
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
    },
  };
}

async function metadataOf(source: ByteSource): Promise<FileMetaData> {
  try {
    return await parquetMetadataAsync(asyncBuffer(source));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause) throw cause;
    throw invalidSource(source.name, 'the file has no Parquet footer that can be read.', cause);
  }
}

/** Chunks never reach over the end of a row group, because a row group is decoded as a whole. */
async function scan(source: ByteSource): Promise<FileContents> {
  const metadata = await metadataOf(source);
  const chunks: ChunkRange[] = [];
  let firstRow = 0;
  for (const group of metadata.row_groups) {
    const endRow = firstRow + Number(group.num_rows);
    for (; firstRow < endRow; firstRow += JOB_LIMITS.chunkRows) chunks.push({ firstRow, rowCount: Math.min(JOB_LIMITS.chunkRows, endRow - firstRow) });
    firstRow = endRow;
  }
  return { rowCount: firstRow, settings: {}, chunks };
}

async function* rows(source: ByteSource, chunk: ChunkRange, { columns }: ReaderSettings): AsyncGenerator<RawRow> {
  const metadata = await metadataOf(source);
  const present = new Set(parquetSchema(metadata).children.map(({ element }) => element.name));
  const wanted = columns?.filter((name) => present.has(name));
  let objects: Record<string, unknown>[];
  try {
    objects = await parquetReadObjects({
      file: asyncBuffer(source), metadata, compressors,
      rowStart: chunk.firstRow, rowEnd: chunk.firstRow + chunk.rowCount, useOffsetIndex: true,
      ...(wanted === undefined ? {} : { columns: wanted }),
    });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause) throw cause;
    throw invalidSource(source.name, `rows ${chunk.firstRow} to ${chunk.firstRow + chunk.rowCount - 1} cannot be decoded.`, cause);
  }
  for (const [index, fields] of objects.entries()) yield { row: chunk.firstRow + index, fields };
}

export const parquet: FileFormat = { scan, rows };

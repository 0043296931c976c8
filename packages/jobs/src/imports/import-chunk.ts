/** One chunk of an import: its rows are read, checked and written. */
import { columnsOf, readRow, type RowSettings } from '../formats/column-mapping.ts';
import type { ChunkRange, ReaderSettings } from '../formats/file-format.ts';
import { FILE_FORMATS } from '../formats/open-format.ts';
import { isRejected, type GoodRow, type RejectedRow } from '../formats/row.ts';
import type { ByteSource } from '../sources/byte-source.ts';
import type { ChunkResult, ImportFile } from './import-record.ts';
import { writeRows, type RowWrite } from './write-rows.ts';

export interface ChunkWork {
  readonly source: ByteSource;
  readonly file: Pick<ImportFile, 'format' | 'settings' | 'firstRow'>;
  readonly range: ChunkRange;
  readonly reader: ReaderSettings;
  readonly rows: RowSettings;
  readonly write: RowWrite;
}

/** Every row of the chunk is accepted or rejected, once. */
export async function importChunk({ source, file, range, reader, rows, write }: ChunkWork): Promise<ChunkResult> {
  const columns = columnsOf(rows.mapping);
  const settings: ReaderSettings = { ...reader, ...file.settings, ...(columns === undefined ? {} : { columns }) };
  const good: GoodRow[] = [];
  const rejected: RejectedRow[] = [];
  for await (const raw of FILE_FORMATS[file.format].rows(source, range, settings)) {
    const row = readRow(raw, file.firstRow, rows);
    if (isRejected(row)) rejected.push(row);
    else good.push(row);
  }
  const { accepted, refused, receipt } = await writeRows(good, write);
  rejected.push(...refused);
  rejected.sort((a, b) => a.row - b.row);
  return { accepted, receipt, rejections: rejected.map((row) => ({ file: source.name, ...row })) };
}

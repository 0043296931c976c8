/**
 * Comma-separated values (RFC 4180): the first record names the columns, fields may be quoted, and quoted fields may hold
 * newlines. Chunks are cut where a record ends, so each is parsed on its own.
 */
import assert from 'node:assert';
import { parse } from 'csv-parse/sync';
import type { ByteSource } from '../sources/byte-source.ts';
import { invalidSource } from '../sources/source-failure.ts';
import { JOB_LIMITS } from '../limits.ts';
import type { ChunkRange, FileContents, FileFormat, ReaderSettings, ScanOptions } from './file-format.ts';
import { isBlank, textRecords } from './line-reader.ts';
import type { RawRow } from './row.ts';
import { TextChunks } from './text-chunks.ts';

const BYTE_ORDER_MARK = '\ufeff';

/** The fields of one record, or why there are none. */
function parseFields(bytes: Buffer, delimiter: string): readonly string[] | string {
  try {
    const [fields] = parse(bytes, { delimiter, relax_column_count: true, max_record_size: JOB_LIMITS.lineBytes });
    return fields ?? [];
  } catch (error) {
    return `the row is no valid csv: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`;
  }
}

async function scan(source: ByteSource, { signal, delimiter }: ScanOptions): Promise<FileContents> {
  const chunks = new TextChunks();
  const separator = delimiter ?? (/\.tsv$/i.test(source.name) ? '\t' : ',');
  let header: readonly string[] | undefined;
  for await (const record of textRecords(source, { firstByte: 0, endByte: source.sizeBytes, firstLine: 1, quoted: true, signal })) {
    if (isBlank(record.bytes)) continue;
    if (header === undefined) header = parseHeader(source, record.bytes, separator);
    else chunks.add(record);
  }
  return { ...chunks.finish(), settings: { header: header ?? [], delimiter: separator } };
}

function parseHeader(source: ByteSource, bytes: Buffer, delimiter: string): readonly string[] {
  const fields = parseFields(bytes, delimiter);
  if (typeof fields === 'string') throw invalidSource(source.name, `the first line does not name the columns: ${fields}`);
  const names = fields.map((name, index) => (index === 0 && name.startsWith(BYTE_ORDER_MARK) ? name.slice(1) : name).trim());
  if (names.length > JOB_LIMITS.columns) throw invalidSource(source.name, `it has ${names.length} columns; ${JOB_LIMITS.columns} are the most.`);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw invalidSource(source.name, `two columns are named "${repeated}".`);
  return names;
}

async function* rows(source: ByteSource, chunk: ChunkRange, settings: ReaderSettings): AsyncGenerator<RawRow> {
  assert(chunk.text !== undefined && settings.header !== undefined, 'chunks of csv files carry their place and columns');
  const { header, delimiter = ',' } = settings;
  let row = chunk.firstRow;
  for await (const { line, bytes } of textRecords(source, { ...chunk.text, quoted: true })) {
    if (isBlank(bytes)) continue;
    yield toRow(parseFields(bytes, delimiter), header, { row, line });
    row += 1;
  }
}

function toRow(fields: readonly string[] | string, header: readonly string[], place: { row: number; line: number }): RawRow {
  if (typeof fields === 'string') return { ...place, fields: undefined, fault: { code: 'malformed_body', reason: fields } };
  if (fields.length !== header.length) {
    const reason = `the row has ${fields.length} fields; the first line names ${header.length} columns.`;
    return { ...place, fields: undefined, fault: { code: 'malformed_body', reason } };
  }
  return { ...place, fields: Object.fromEntries(header.map((name, index) => [name, fields[index]])) };
}

export const csv: FileFormat = { scan, rows };

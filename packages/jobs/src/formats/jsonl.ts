/** JSON Lines (https://jsonlines.org, the same as ndjson): one object per line. Blank lines are passed over and are no rows. */
import { isUtf8 } from 'node:buffer';
import assert from 'node:assert';
import type { ByteSource } from '../sources/byte-source.ts';
import type { ChunkRange, FileContents, FileFormat, ScanOptions } from './file-format.ts';
import { isBlank, textRecords, type TextRecord } from './line-reader.ts';
import type { RawRow } from './row.ts';
import { TextChunks } from './text-chunks.ts';

function parseRecord(record: TextRecord, row: number): RawRow {
  const place = { row, line: record.line };
  if (!isUtf8(record.bytes)) return { ...place, fields: undefined, fault: { code: 'malformed_body', reason: 'the line is not valid UTF-8.' } };
  let value: unknown;
  try {
    value = JSON.parse(record.bytes.toString('utf8'));
  } catch {
    return { ...place, fields: undefined, fault: { code: 'malformed_json', reason: 'the line is not valid JSON.' } };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { ...place, fields: undefined, fault: { code: 'malformed_body', reason: 'the line is not a JSON object.' } };
  }
  return { ...place, fields: value as Record<string, unknown> };
}

async function scan(source: ByteSource, { signal }: ScanOptions): Promise<FileContents> {
  const chunks = new TextChunks();
  for await (const record of textRecords(source, { firstByte: 0, endByte: source.sizeBytes, firstLine: 1, quoted: false, signal })) {
    if (!isBlank(record.bytes)) chunks.add(record);
  }
  return { ...chunks.finish(), settings: {} };
}

async function* rows(source: ByteSource, chunk: ChunkRange): AsyncGenerator<RawRow> {
  assert(chunk.text !== undefined, 'chunks of text files carry their place');
  let row = chunk.firstRow;
  for await (const record of textRecords(source, { ...chunk.text, quoted: false })) {
    if (isBlank(record.bytes)) continue;
    yield parseRecord(record, row);
    row += 1;
  }
}

export const jsonLines: FileFormat = { scan, rows };

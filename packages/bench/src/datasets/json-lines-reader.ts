/**
 * JSON Lines (https://jsonlines.org, the same as ndjson): one object per line, `{"values": [numbers], "key"?: text,
 * "payload"?: object}`. Blank lines are passed over and not counted. The number of rows is known only at the end.
 */
import { isUtf8 } from 'node:buffer';
import { stat } from 'node:fs/promises';
import { DatasetError } from './dataset-error.ts';
import type { Dataset, DatasetRow, RowRange } from './dataset.ts';
import { fileLines, type FileLine } from './file-lines.ts';
import { DATASET_LIMITS } from './limits.ts';

interface RowLine extends FileLine {
  readonly row: number;
}

async function* rowLines(path: string, signal?: AbortSignal): AsyncGenerator<RowLine> {
  let row = 0;
  for await (const line of fileLines(path, signal)) {
    if (line.bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)) continue;
    yield { ...line, row };
    row += 1;
  }
}

function parseObject(path: string, line: RowLine): Record<string, unknown> {
  const place = { file: path, row: line.row, byteOffset: line.byteOffset };
  if (!isUtf8(line.bytes)) throw new DatasetError('malformed_body', place, 'the line is not valid UTF-8.');
  let value: unknown;
  try {
    value = JSON.parse(line.bytes.toString('utf8'));
  } catch (error) {
    throw new DatasetError('malformed_json', place, 'the line is not valid JSON.', error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new DatasetError('malformed_body', place, 'the line is not a JSON object.');
  for (const field of Object.keys(value)) {
    if (field !== 'key' && field !== 'values' && field !== 'payload') {
      throw new DatasetError('unknown_field', place, `the field "${field}" is not known; rows have key, values and payload.`);
    }
  }
  return value as Record<string, unknown>;
}

function parseValues(path: string, line: RowLine, value: unknown, dim: number | undefined): Float32Array {
  const place = { file: path, row: line.row, byteOffset: line.byteOffset };
  if (!Array.isArray(value)) throw new DatasetError('missing_field', place, '"values" must be an array of numbers.');
  if (value.length < 1 || value.length > DATASET_LIMITS.dim) {
    throw new DatasetError('dimension_mismatch', place, `the vector has ${value.length} components, outside 1 to ${DATASET_LIMITS.dim}.`);
  }
  if (dim !== undefined && value.length !== dim) throw new DatasetError('dimension_mismatch', place, `the dimension changes from ${dim} to ${value.length}.`);
  const values = new Float32Array(value.length);
  for (let index = 0; index < value.length; index += 1) {
    const component: unknown = value[index];
    if (typeof component !== 'number' || !Number.isFinite(Math.fround(component))) {
      throw new DatasetError('invalid_vector', place, `component ${index} is not a finite 32-bit float.`);
    }
    values[index] = component;
  }
  return values;
}

function parseRow(path: string, line: RowLine, dim: number | undefined): DatasetRow {
  const place = { file: path, row: line.row, byteOffset: line.byteOffset };
  const { key, values, payload } = parseObject(path, line);
  if (key !== undefined && typeof key !== 'string') throw new DatasetError('invalid_key', place, '"key" must be a string.');
  if (payload !== undefined && (typeof payload !== 'object' || payload === null || Array.isArray(payload))) {
    throw new DatasetError('invalid_field', place, '"payload" must be a JSON object.');
  }
  return {
    row: line.row,
    values: parseValues(path, line, values, dim),
    ...(key === undefined ? {} : { key }),
    ...(payload === undefined ? {} : { payload: payload as Record<string, unknown> }),
  };
}

async function firstRow(path: string): Promise<DatasetRow> {
  for await (const line of rowLines(path)) return parseRow(path, line, undefined);
  throw new DatasetError('malformed_body', { file: path, row: 0, byteOffset: 0 }, 'the file has no rows.');
}

export async function openJsonLines(path: string, format: 'jsonl' | 'ndjson'): Promise<Dataset> {
  const dim = (await firstRow(path)).values.length;
  const fileBytes = (await stat(path)).size;
  async function* rows(range: RowRange = {}): AsyncGenerator<DatasetRow> {
    const startRow = range.startRow ?? 0;
    for await (const line of rowLines(path, range.signal)) {
      if (line.row >= startRow) yield parseRow(path, line, dim);
    }
  }
  return { path, format, dim, rowCount: undefined, fileBytes, rows };
}

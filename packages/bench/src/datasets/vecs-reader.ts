/**
 * The TEXMEX vector formats (http://corpus-texmex.irisa.fr). Per vector, without any header or padding:
 *
 *   record = dim: int32 LE, component{dim}
 *   component = uint8 (bvecs) | float32 LE (fvecs) | int32 LE (ivecs)
 *
 * Every record has the same dim, so row r begins at byte r * (4 + dim * size) and reading can start at any row.
 */
import { DatasetError } from './dataset-error.ts';
import type { Dataset, DatasetRow, RowRange } from './dataset.ts';
import { fixedRecords, openFile, readFully, type FixedRecord, type RecordLayout } from './fixed-records.ts';
import { DATASET_LIMITS } from './limits.ts';

type VecsFormat = 'bvecs' | 'fvecs' | 'ivecs';

const COMPONENT_BYTES = { bvecs: 1, fvecs: 4, ivecs: 4 } as const satisfies Record<VecsFormat, number>;
const DIM_BYTES = 4;

interface VecsShape {
  readonly layout: RecordLayout;
  readonly dim: number;
  readonly fileBytes: number;
}

async function readShape(path: string, format: VecsFormat, maximumDim: number): Promise<VecsShape> {
  const { handle, fileBytes } = await openFile(path);
  try {
    const head = Buffer.alloc(DIM_BYTES);
    if ((await readFully(handle, head, 0)) < DIM_BYTES) {
      throw new DatasetError('malformed_body', { file: path, row: 0, byteOffset: 0 }, `the file has ${fileBytes} bytes, too few for one vector.`);
    }
    const dim = head.readInt32LE(0);
    if (dim < 1 || dim > maximumDim) {
      const fault = `the dimension reads ${dim}, outside 1 to ${maximumDim}; this is probably no ${format} file.`;
      throw new DatasetError('malformed_body', { file: path, row: 0, byteOffset: 0 }, fault);
    }
    const recordBytes = DIM_BYTES + dim * COMPONENT_BYTES[format];
    return { layout: { path, firstByte: 0, recordBytes, recordCount: Math.floor(fileBytes / recordBytes) }, dim, fileBytes };
  } finally {
    await handle.close();
  }
}

function checkDim(shape: VecsShape, record: FixedRecord): void {
  const dim = record.bytes.readInt32LE(0);
  if (dim === shape.dim) return;
  const place = { file: shape.layout.path, row: record.row, byteOffset: record.byteOffset };
  throw new DatasetError('dimension_mismatch', place, `the dimension changes from ${shape.dim} to ${dim}.`);
}

async function* checkedRecords(shape: VecsShape, range: RowRange): AsyncGenerator<FixedRecord> {
  for await (const record of fixedRecords(shape.layout, range.startRow ?? 0, range.signal)) {
    checkDim(shape, record);
    yield record;
  }
}

/** A file that does not end with a whole record is refused at once: at the first row of another dimension if there is one, else at the row that is cut off. */
async function refusePartialRecord(shape: VecsShape): Promise<void> {
  const { path, recordBytes, recordCount } = shape.layout;
  const wholeBytes = recordBytes * recordCount;
  if (wholeBytes === shape.fileBytes) return;
  for await (const record of checkedRecords(shape, {})) void record;
  const fault = `the file is truncated: the row needs ${recordBytes} bytes and the file ends after ${shape.fileBytes - wholeBytes} of them.`;
  throw new DatasetError('malformed_body', { file: path, row: recordCount, byteOffset: wholeBytes }, fault);
}

function readFloats(bytes: Buffer, dim: number): Float32Array {
  const values = new Float32Array(dim);
  for (let index = 0; index < dim; index += 1) values[index] = bytes.readFloatLE(DIM_BYTES + index * 4);
  return values;
}

function readInts(bytes: Buffer, dim: number): Int32Array {
  const values = new Int32Array(dim);
  for (let index = 0; index < dim; index += 1) values[index] = bytes.readInt32LE(DIM_BYTES + index * 4);
  return values;
}

export async function openVecs(path: string, format: 'bvecs' | 'fvecs'): Promise<Dataset> {
  const shape = await readShape(path, format, DATASET_LIMITS.dim);
  await refusePartialRecord(shape);
  async function* rows(range: RowRange = {}): AsyncGenerator<DatasetRow> {
    for await (const { row, byteOffset, bytes } of checkedRecords(shape, range)) {
      const values = format === 'bvecs' ? Float32Array.from(bytes.subarray(DIM_BYTES)) : readFloats(bytes, shape.dim);
      const badIndex = values.findIndex((value) => !Number.isFinite(value));
      if (badIndex >= 0) {
        const place = { file: path, row, byteOffset: byteOffset + DIM_BYTES + badIndex * COMPONENT_BYTES[format] };
        throw new DatasetError('invalid_vector', place, `component ${badIndex} is ${values[badIndex]}.`);
      }
      yield { row, values };
    }
  }
  return { path, format, dim: shape.dim, rowCount: shape.layout.recordCount, fileBytes: shape.fileBytes, rows };
}

/** Rows of an ivecs file, such as published ground truth: row numbers of the nearest neighbours, nearest first. */
export async function* ivecsRows(path: string, range: RowRange = {}): AsyncGenerator<{ readonly row: number; readonly values: Int32Array }> {
  const shape = await readShape(path, 'ivecs', DATASET_LIMITS.ivecsColumns);
  await refusePartialRecord(shape);
  for await (const { row, bytes } of checkedRecords(shape, range)) yield { row, values: readInts(bytes, shape.dim) };
}

/** The whole of an ivecs file, at most `DATASET_LIMITS.ivecsRows` rows. */
export async function readIvecs(path: string): Promise<Int32Array[]> {
  const all: Int32Array[] = [];
  for await (const { row, values } of ivecsRows(path)) {
    if (row >= DATASET_LIMITS.ivecsRows) {
      throw new DatasetError('malformed_body', { file: path, row }, `the file has more than ${DATASET_LIMITS.ivecsRows} rows.`);
    }
    all.push(values);
  }
  return all;
}

/** Two-dimensional npy arrays in C order as datasets: one row of the array is one vector. */
import type { FileHandle } from 'node:fs/promises';
import { DatasetError } from './dataset-error.ts';
import type { Dataset, DatasetRow, RowRange } from './dataset.ts';
import { fixedRecords, openFile, readFully, type RecordLayout } from './fixed-records.ts';
import { DATASET_LIMITS } from './limits.ts';
import { NPY_TYPES, componentType, type ComponentType } from './npy-components.ts';
import { NPY_PREFIX_BYTES, parseNpyHeader, readNpyPrefix, type NpyHeader } from './npy-header.ts';

interface NpyShape {
  readonly layout: RecordLayout;
  readonly dim: number;
  readonly component: ComponentType;
}

async function readHeader(path: string, handle: FileHandle): Promise<{ header: NpyHeader; dataStart: number }> {
  const fail = (fault: string): never => {
    throw new DatasetError('malformed_body', { file: path, byteOffset: 0 }, fault);
  };
  const prefixBytes = Buffer.alloc(NPY_PREFIX_BYTES);
  const filled = await readFully(handle, prefixBytes, 0);
  const prefix = readNpyPrefix(prefixBytes.subarray(0, filled));
  if (typeof prefix === 'string') return fail(prefix);
  if (prefix.textBytes > DATASET_LIMITS.npyHeaderBytes) return fail(`the npy header claims ${prefix.textBytes} bytes.`);
  const text = Buffer.alloc(prefix.textBytes);
  if ((await readFully(handle, text, prefix.textStart)) < text.length) return fail('the file ends inside the npy header.');
  const header = parseNpyHeader(text.toString('latin1'));
  if (typeof header === 'string') return fail(header);
  return { header, dataStart: prefix.textStart + prefix.textBytes };
}

function toShape(path: string, header: NpyHeader, dataStart: number, fileBytes: number): NpyShape {
  const component = componentType(header.descr);
  const [rowCount, dim] = header.shape;
  const refuse = (fault: string): never => {
    throw new DatasetError('malformed_body', { file: path, byteOffset: 0 }, fault);
  };
  if (component === undefined) return refuse(`elements of type ${header.descr} are not read; the known types are ${NPY_TYPES.join(', ')}.`);
  if (header.shape.length !== 2 || rowCount === undefined || dim === undefined) {
    return refuse(`the array has ${header.shape.length} dimensions; a dataset has 2, rows and components.`);
  }
  if (header.fortranOrder && rowCount > 1 && dim > 1) return refuse('the array is in Fortran order; save it with numpy.ascontiguousarray.');
  if (dim < 1 || dim > DATASET_LIMITS.dim) return refuse(`the vectors have ${dim} components, outside 1 to ${DATASET_LIMITS.dim}.`);
  if (!Number.isSafeInteger(rowCount * dim * component.bytes)) return refuse(`the array claims ${rowCount} rows.`);
  const recordBytes = dim * component.bytes;
  const present = Math.floor((fileBytes - dataStart) / recordBytes);
  if (present < rowCount) {
    const place = { file: path, row: present, byteOffset: dataStart + present * recordBytes };
    throw new DatasetError('malformed_body', place, `the file is truncated: it holds ${present} of ${rowCount} rows.`);
  }
  const endByte = dataStart + rowCount * recordBytes;
  if (fileBytes > endByte) {
    throw new DatasetError('malformed_body', { file: path, byteOffset: endByte }, `${fileBytes - endByte} bytes follow the last row.`);
  }
  return { layout: { path, firstByte: dataStart, recordBytes, recordCount: rowCount }, dim, component };
}

export async function openNpy(path: string): Promise<Dataset> {
  const { handle, fileBytes } = await openFile(path);
  let shape: NpyShape;
  try {
    const { header, dataStart } = await readHeader(path, handle);
    shape = toShape(path, header, dataStart, fileBytes);
  } finally {
    await handle.close();
  }
  async function* rows(range: RowRange = {}): AsyncGenerator<DatasetRow> {
    for await (const { row, byteOffset, bytes } of fixedRecords(shape.layout, range.startRow ?? 0, range.signal)) {
      const values = new Float32Array(shape.dim);
      shape.component.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), values);
      const badIndex = values.findIndex((value) => !Number.isFinite(value));
      if (badIndex >= 0) {
        const place = { file: path, row, byteOffset: byteOffset + badIndex * shape.component.bytes };
        throw new DatasetError('invalid_vector', place, `component ${badIndex} is not a finite 32-bit float.`);
      }
      yield { row, values };
    }
  }
  return { path, format: 'npy', dim: shape.dim, rowCount: shape.layout.recordCount, fileBytes, rows };
}

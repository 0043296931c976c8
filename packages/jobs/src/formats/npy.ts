/** Two-dimensional arrays of NumPy's npy format in C order: one row of the array is one vector. */
import { NPY_PREFIX_BYTES, NPY_TYPES, componentType, parseNpyHeader, readNpyPrefix, type ComponentType } from '@shoal/bench/datasets';
import { LIMITS } from '@shoal/protocol';
import type { ByteSource } from '../sources/byte-source.ts';
import { invalidSource } from '../sources/source-failure.ts';
import type { ChunkRange, FileContents, FileFormat } from './file-format.ts';
import { blocksOf, rowChunks, type RecordLayout } from './fixed-records.ts';
import type { RawRow } from './row.ts';

const HEADER_BYTES = 64 * 1024;

interface NpyArray extends RecordLayout {
  readonly dim: number;
  readonly component: ComponentType;
}

async function arrayOf(source: ByteSource): Promise<NpyArray> {
  const prefix = readNpyPrefix(await source.read(0, NPY_PREFIX_BYTES));
  if (typeof prefix === 'string') throw invalidSource(source.name, prefix);
  if (prefix.textBytes > HEADER_BYTES) throw invalidSource(source.name, `the npy header claims ${prefix.textBytes} bytes.`);
  const header = parseNpyHeader((await source.read(prefix.textStart, prefix.textBytes)).toString('latin1'));
  if (typeof header === 'string') throw invalidSource(source.name, header);
  const component = componentType(header.descr);
  if (component === undefined) throw invalidSource(source.name, `elements of type ${header.descr} are not read; the known types are ${NPY_TYPES.join(', ')}.`);
  const [rowCount, dim] = header.shape;
  if (header.shape.length !== 2 || rowCount === undefined || dim === undefined) throw invalidSource(source.name, `the array has ${header.shape.length} dimensions; an import needs 2, rows and components.`);
  if (header.fortranOrder && rowCount > 1 && dim > 1) throw invalidSource(source.name, 'the array is in Fortran order; save it with numpy.ascontiguousarray.');
  if (dim < 1 || dim > LIMITS.dim) throw invalidSource(source.name, `the vectors have ${dim} components, outside 1 to ${LIMITS.dim}.`);
  const firstByte = prefix.textStart + prefix.textBytes;
  const recordBytes = dim * component.bytes;
  if (firstByte + rowCount * recordBytes > source.sizeBytes) throw invalidSource(source.name, `the file is cut off: it holds fewer than the ${rowCount} rows that its header names.`);
  return { firstByte, recordBytes, rowCount, dim, component };
}

async function scan(source: ByteSource): Promise<FileContents> {
  const { rowCount } = await arrayOf(source);
  return { rowCount, settings: {}, chunks: rowChunks(rowCount) };
}

async function* rows(source: ByteSource, chunk: ChunkRange): AsyncGenerator<RawRow> {
  const { dim, component, ...layout } = await arrayOf(source);
  for await (const { firstRow, rowCount, bytes } of blocksOf(source, layout, chunk)) {
    // One array for a whole block: memory outside the heap for every row by itself is slow to get and to give back, and leaves holes.
    const values = new Float32Array(rowCount * dim);
    component.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), values);
    for (let index = 0; index < rowCount; index += 1) {
      yield { row: firstRow + index, fields: undefined, components: values.subarray(index * dim, (index + 1) * dim) };
    }
  }
}

export const npy: FileFormat = { scan, rows };

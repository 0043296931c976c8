/** HDF5 as ann-benchmarks publishes it (https://github.com/erikbern/ann-benchmarks): a two-dimensional array, `train` unless named otherwise. */
import { DatasetError, HDF5_SIGNATURE, HDF5_SIGNATURE_PLACES, openHdf5, type Hdf5Array } from '@shoal/bench/datasets';
import { LIMITS } from '@shoal/protocol';
import type { ByteSource } from '../sources/byte-source.ts';
import { invalidSource } from '../sources/source-failure.ts';
import type { ChunkRange, FileContents, FileFormat, ReaderSettings } from './file-format.ts';
import { rowChunks } from './fixed-records.ts';
import type { RawRow } from './row.ts';

const DEFAULT_DATASET = 'train';

/** Looked for before a remote file is fetched as a whole. */
async function hasSignature(source: ByteSource): Promise<boolean> {
  for (const place of HDF5_SIGNATURE_PLACES) if (HDF5_SIGNATURE.equals(await source.read(place, HDF5_SIGNATURE.length))) return true;
  return false;
}

async function withArray<Result>(source: ByteSource, name: string, use: (array: Hdf5Array) => Result): Promise<Result> {
  if (!(await hasSignature(source))) throw invalidSource(source.name, 'the file is no HDF5 file.');
  try {
    const file = await openHdf5(await source.localPath());
    try {
      const array = file.array(name);
      if (array === undefined) throw invalidSource(source.name, `it has no two-dimensional array "${name}" (name one with dataset); at its top it has ${file.names()}.`);
      if (array.columnCount < 1 || array.columnCount > LIMITS.dim) throw invalidSource(source.name, `the vectors have ${array.columnCount} components, outside 1 to ${LIMITS.dim}.`);
      return use(array);
    } finally {
      file.close();
    }
  } catch (error) {
    throw error instanceof DatasetError ? invalidSource(source.name, error.fault, error) : error;
  }
}

async function scan(source: ByteSource, { dataset = DEFAULT_DATASET }: ReaderSettings): Promise<FileContents> {
  const rowCount = await withArray(source, dataset, (array) => array.rowCount);
  return { rowCount, settings: { dataset }, chunks: rowChunks(rowCount) };
}

async function* rows(source: ByteSource, chunk: ChunkRange, { dataset = DEFAULT_DATASET }: ReaderSettings): AsyncGenerator<RawRow> {
  const { values, dim } = await withArray(source, dataset, (array) => (
    { values: Float32Array.from(array.slice(chunk.firstRow, chunk.firstRow + chunk.rowCount)), dim: array.columnCount }));
  for (let index = 0; index < chunk.rowCount; index += 1) {
    yield { row: chunk.firstRow + index, fields: undefined, components: values.subarray(index * dim, (index + 1) * dim) };
  }
}

export const hdf5: FileFormat = { scan, rows };

/** HDF5 as ann-benchmarks publishes it (https://github.com/erikbern/ann-benchmarks): a two-dimensional array, `train` unless named otherwise. */
import h5wasm from 'h5wasm/node';
import { LIMITS } from '@shoal/protocol';
import type { ByteSource } from '../sources/byte-source.ts';
import { invalidSource } from '../sources/source-failure.ts';
import type { ChunkRange, FileContents, FileFormat, ReaderSettings } from './file-format.ts';
import { rowChunks } from './fixed-records.ts';
import type { RawRow } from './row.ts';

const DEFAULT_DATASET = 'train';
/** A file begins with it, or has it at 512 bytes or a doubling of that, behind a block of the user's own. */
const SIGNATURE = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);
const SIGNATURE_PLACES = [0, 512, 1024, 2048, 4096];

async function hasSignature(source: ByteSource): Promise<boolean> {
  for (const place of SIGNATURE_PLACES) if (SIGNATURE.equals(await source.read(place, SIGNATURE.length))) return true;
  return false;
}

interface OpenArray {
  readonly rowCount: number;
  readonly dim: number;
  /** Components of rows [first, end), one row after the other. */
  slice(first: number, end: number): ArrayLike<number>;
  close(): void;
}

async function openArray(source: ByteSource, path: string): Promise<OpenArray> {
  if (!(await hasSignature(source))) throw invalidSource(source.name, 'the file is no HDF5 file.');
  await h5wasm.ready;
  let file: InstanceType<typeof h5wasm.File>;
  try {
    file = new h5wasm.File(await source.localPath(), 'r');
  } catch (cause) {
    throw invalidSource(source.name, 'the file is no HDF5 file that can be read.', cause);
  }
  if (file.file_id < 0n) throw invalidSource(source.name, 'the file is no HDF5 file that can be read.');
  const entity = file.get(path);
  const shape = entity instanceof h5wasm.Dataset ? entity.shape : null;
  if (!(entity instanceof h5wasm.Dataset) || shape?.length !== 2) {
    const names = file.keys().slice(0, 20).join(', ');
    file.close();
    throw invalidSource(source.name, `it has no two-dimensional array "${path}" (name one with dataset); at its top it has ${names}.`);
  }
  const [rowCount = 0, dim = 0] = shape;
  if (dim < 1 || dim > LIMITS.dim) {
    file.close();
    throw invalidSource(source.name, `the vectors have ${dim} components, outside 1 to ${LIMITS.dim}.`);
  }
  return {
    rowCount,
    dim,
    slice: (first, end) => entity.slice([[first, end], [0, dim]]) as unknown as ArrayLike<number>,
    close: () => void file.close(),
  };
}

async function scan(source: ByteSource, { dataset = DEFAULT_DATASET }: ReaderSettings): Promise<FileContents> {
  const array = await openArray(source, dataset);
  array.close();
  return { rowCount: array.rowCount, settings: { dataset }, chunks: rowChunks(array.rowCount) };
}

async function* rows(source: ByteSource, chunk: ChunkRange, { dataset = DEFAULT_DATASET }: ReaderSettings): AsyncGenerator<RawRow> {
  const array = await openArray(source, dataset);
  try {
    const { dim } = array;
    const values = Float32Array.from(array.slice(chunk.firstRow, chunk.firstRow + chunk.rowCount));
    for (let index = 0; index < chunk.rowCount; index += 1) {
      yield { row: chunk.firstRow + index, fields: undefined, components: values.slice(index * dim, (index + 1) * dim) };
    }
  } finally {
    array.close();
  }
}

export const hdf5: FileFormat = { scan, rows };

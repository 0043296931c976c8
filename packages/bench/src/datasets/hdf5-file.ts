/** Two-dimensional arrays of HDF5 files, as ann-benchmarks publishes them (https://github.com/erikbern/ann-benchmarks). */
import type { Dataset as H5Dataset, File as H5File } from 'h5wasm/node';
import { DatasetError } from './dataset-error.ts';
import { openFile } from './fixed-records.ts';

/** An open file; it is closed by whoever opened it. */
export interface Hdf5File {
  /** Undefined where no two-dimensional array has this name. */
  array(name: string): Hdf5Array | undefined;
  /** What lies at the top, at most NAMES_SHOWN, for a message. */
  names(): string;
  /** An attribute of the file that is a text. */
  text(name: string): string | undefined;
  close(): void;
}

export interface Hdf5Array {
  readonly rowCount: number;
  readonly columnCount: number;
  /** Elements of rows [first, end), one row after the other. */
  slice(first: number, end: number): ArrayLike<number>;
}

/** A file begins with it, or has it at 512 bytes or a doubling of that, behind a block of the user's own. */
export const HDF5_SIGNATURE: Buffer = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);
export const HDF5_SIGNATURE_PLACES = [0, 512, 1_024, 2_048, 4_096] as const;
const NAMES_SHOWN = 20;

async function requireSignature(path: string): Promise<void> {
  const { handle } = await openFile(path);
  try {
    for (const place of HDF5_SIGNATURE_PLACES) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HDF5_SIGNATURE.length), 0, HDF5_SIGNATURE.length, place);
      if (HDF5_SIGNATURE.equals(buffer.subarray(0, bytesRead))) return;
    }
  } finally {
    await handle.close();
  }
  throw new DatasetError('malformed_body', { file: path }, 'the file is no HDF5 file.');
}

/** Throws `malformed_body` for what is no HDF5 file that can be read. */
export async function openHdf5(path: string): Promise<Hdf5File> {
  await requireSignature(path);
  // A library compiled from C: whoever reads no such file does not load it.
  const { default: h5wasm } = await import('h5wasm/node');
  await h5wasm.ready;
  const unreadable = (cause?: unknown): never => {
    throw new DatasetError('malformed_body', { file: path }, 'the file is no HDF5 file that can be read.', cause);
  };
  let file: H5File;
  try {
    file = new h5wasm.File(path, 'r');
  } catch (cause) {
    return unreadable(cause);
  }
  if (file.file_id < 0n) return unreadable();
  return {
    array: (name) => {
      const entity = file.get(name);
      return entity instanceof h5wasm.Dataset && entity.shape?.length === 2 ? arrayOf(entity) : undefined;
    },
    names: () => file.keys().slice(0, NAMES_SHOWN).join(', '),
    text: (name) => {
      const value = file.attrs[name]?.value;
      return typeof value === 'string' ? value : undefined;
    },
    close: () => void file.close(),
  };
}

/** Throws `malformed_body` where no two-dimensional array has this name. */
export function requireArray(path: string, file: Hdf5File, name: string): Hdf5Array {
  const array = file.array(name);
  if (array === undefined) throw new DatasetError('malformed_body', { file: path }, `it has no two-dimensional array "${name}"; at its top it has ${file.names()}.`);
  return array;
}

function arrayOf(entity: H5Dataset): Hdf5Array {
  const [rowCount = 0, columnCount = 0] = entity.shape ?? [];
  return { rowCount, columnCount, slice: (first, end) => entity.slice([[first, end], [0, columnCount]]) as unknown as ArrayLike<number> };
}

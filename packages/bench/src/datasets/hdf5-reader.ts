/** An array of an HDF5 file as a dataset: one row of the array is one vector. */
import { stat } from 'node:fs/promises';
import { DatasetError } from './dataset-error.ts';
import type { Dataset, DatasetRow, RowRange } from './dataset.ts';
import { openHdf5, requireArray } from './hdf5-file.ts';
import { DATASET_LIMITS } from './limits.ts';

/** What ann-benchmarks calls the vectors that are searched. */
export const HDF5_VECTORS = 'train';

export async function openHdf5Dataset(path: string, name: string = HDF5_VECTORS): Promise<Dataset> {
  const file = await openHdf5(path);
  let shape: { readonly rowCount: number; readonly columnCount: number };
  try {
    shape = requireArray(path, file, name);
  } finally {
    file.close();
  }
  const { rowCount, columnCount: dim } = shape;
  if (dim < 1 || dim > DATASET_LIMITS.dim) throw new DatasetError('malformed_body', { file: path }, `the vectors of "${name}" have ${dim} components, outside 1 to ${DATASET_LIMITS.dim}.`);
  const rowsAtOnce = Math.max(1, Math.floor(DATASET_LIMITS.chunkBytes / (dim * Float32Array.BYTES_PER_ELEMENT)));

  async function* rows({ startRow = 0, signal }: RowRange = {}): AsyncGenerator<DatasetRow> {
    const opened = await openHdf5(path);
    try {
      const array = requireArray(path, opened, name);
      for (let first = startRow; first < rowCount; first += rowsAtOnce) {
        signal?.throwIfAborted();
        const end = Math.min(rowCount, first + rowsAtOnce);
        const chunk = Float32Array.from(array.slice(first, end));
        for (let row = first; row < end; row += 1) yield { row, values: checked(path, row, chunk.slice((row - first) * dim, (row - first + 1) * dim)) };
      }
    } finally {
      opened.close();
    }
  }
  return { path, format: 'hdf5', dim, rowCount, fileBytes: (await stat(path)).size, rows };
}

function checked(path: string, row: number, values: Float32Array): Float32Array {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new DatasetError('invalid_vector', { file: path, row }, `component ${bad} is not a finite 32-bit float.`);
  return values;
}

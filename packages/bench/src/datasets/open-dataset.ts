import { extname } from 'node:path';
import { DatasetError } from './dataset-error.ts';
import { DATASET_FORMATS, type Dataset, type DatasetFormat } from './dataset.ts';
import { openHdf5Dataset } from './hdf5-reader.ts';
import { openJsonLines } from './json-lines-reader.ts';
import { openNpy } from './npy-reader.ts';
import { openVecs } from './vecs-reader.ts';

/** The format that a file's extension names. */
export function formatOf(path: string): DatasetFormat {
  const extension = extname(path).slice(1).toLowerCase();
  const format = extension === 'h5' ? 'hdf5' : DATASET_FORMATS.find((known) => known === extension);
  if (format !== undefined) return format;
  const found = extension === '' ? 'it has no extension that names its format' : `the extension "${extension}" names no format`;
  const fault = `${found}; say which it is (--format): ${DATASET_FORMATS.join(', ')}.`;
  throw new DatasetError('invalid_field', { file: path }, fault);
}

/** Opens a file of vectors and checks its head and size; `format` defaults to what the extension says. Fails with DatasetError. */
export async function openDataset(path: string, format: DatasetFormat = formatOf(path)): Promise<Dataset> {
  switch (format) {
    case 'bvecs':
    case 'fvecs':
      return await openVecs(path, format);
    case 'npy':
      return await openNpy(path);
    case 'hdf5':
      return await openHdf5Dataset(path);
    case 'jsonl':
    case 'ndjson':
      return await openJsonLines(path, format);
    default:
      return format satisfies never;
  }
}

/** The one row with this number. */
export async function readRow(dataset: Dataset, row: number): Promise<Float32Array> {
  for await (const found of dataset.rows({ startRow: row })) return found.values;
  const rows = dataset.rowCount === undefined ? 'fewer rows' : `${dataset.rowCount} rows`;
  throw new DatasetError('invalid_field', { file: dataset.path, row }, `the file has ${rows}.`);
}

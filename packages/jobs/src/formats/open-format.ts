import { extname } from 'node:path';
import { IMPORT_FORMATS, type ImportFormat } from '@shoal/protocol';
import { invalidSource } from '../sources/source-failure.ts';
import { arrow } from './arrow.ts';
import { csv } from './csv.ts';
import { FORMAT_EXTENSIONS, type FileFormat } from './file-format.ts';
import { hdf5 } from './hdf5.ts';
import { jsonLines } from './jsonl.ts';
import { npy } from './npy.ts';
import { parquet } from './parquet.ts';
import { bvecs, fvecs } from './vecs.ts';

export const FILE_FORMATS: Readonly<Record<ImportFormat, FileFormat>> = {
  jsonl: jsonLines, ndjson: jsonLines, csv, npy, fvecs, bvecs, parquet, arrow, hdf5,
};

/** The format that a file's extension names. */
export function formatOf(name: string): ImportFormat {
  const extension = extname(name).slice(1).toLowerCase();
  const format = Object.hasOwn(FORMAT_EXTENSIONS, extension) ? FORMAT_EXTENSIONS[extension] : undefined;
  if (format === undefined) throw invalidSource(name, `its extension names no format; say which it is with format: ${IMPORT_FORMATS.join(', ')}.`);
  return format;
}

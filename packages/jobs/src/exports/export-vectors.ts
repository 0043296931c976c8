/** Vectors to files that an import reads back as they were: key, values and payload in columns of these names. */
import { exportJsonl } from './jsonl-file.ts';
import { exportParquet } from './parquet-file.ts';

export const EXPORT_FORMATS = ['jsonl', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportedVector {
  readonly key: string;
  readonly values: Float32Array;
  readonly payload?: object;
}

/** The format that the extension of a file names. */
export function exportFormatOf(address: string): ExportFormat | undefined {
  const extension = /\.([a-z0-9]+)$/i.exec(address.split('?', 1)[0] ?? '')?.[1]?.toLowerCase();
  return extension === 'ndjson' ? 'jsonl' : EXPORT_FORMATS.find((format) => format === extension);
}

/** The bytes of a file with the vectors, in their order; a group of them is in memory at one time. */
export function exportVectors(format: ExportFormat, vectors: AsyncIterable<ExportedVector>): AsyncGenerator<Uint8Array> {
  switch (format) {
    case 'jsonl':
      return exportJsonl(vectors);
    case 'parquet':
      return exportParquet(vectors);
  }
}

/** What the reader of every file format offers. */
import type { ImportFormat } from '@shoal/protocol';
import type { ByteSource } from '../sources/byte-source.ts';
import type { RawRow } from './row.ts';

/** File name extensions and the formats they name. */
export const FORMAT_EXTENSIONS: Readonly<Record<string, ImportFormat>> = {
  jsonl: 'jsonl', ndjson: 'ndjson', csv: 'csv', tsv: 'csv', npy: 'npy', fvecs: 'fvecs', bvecs: 'bvecs',
  parquet: 'parquet', arrow: 'arrow', arrows: 'arrow', feather: 'arrow', ipc: 'arrow', hdf5: 'hdf5', h5: 'hdf5',
};

/** Where the text of a chunk lies. */
export interface TextRange {
  readonly firstByte: number;
  /** The first byte after it. */
  readonly endByte: number;
  /** Line of the first byte, counted from 1. */
  readonly firstLine: number;
}

/** Some consecutive rows of a file: all that a job carries. */
export interface ChunkRange {
  /** Counted from 0 in the file. */
  readonly firstRow: number;
  readonly rowCount: number;
  readonly text?: TextRange;
}

/** Settings of a reader that come with the request or from the head of the file. */
export interface ReaderSettings {
  /** Names of the columns; csv only. */
  readonly header?: readonly string[];
  /** Between the fields of a csv row. */
  readonly delimiter?: string;
  /** Path of the array inside an HDF5 file. */
  readonly dataset?: string;
  /** Columns to read, where the format can leave out others. */
  readonly columns?: readonly string[];
}

export interface FileContents {
  readonly rowCount: number;
  readonly settings: ReaderSettings;
  readonly chunks: readonly ChunkRange[];
}

export interface ScanOptions extends ReaderSettings {
  readonly signal?: AbortSignal;
}

export interface FileFormat {
  /** Reads as much as is needed to count the rows and to cut them into chunks. Throws `source_invalid`. */
  scan(source: ByteSource, options: ScanOptions): Promise<FileContents>;
  /** The rows of one chunk, in order. A row that is at fault is yielded with its fault; throws `source_invalid` where nothing more can be read. */
  rows(source: ByteSource, chunk: ChunkRange, settings: ReaderSettings): AsyncIterable<RawRow>;
}

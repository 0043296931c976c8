/** What every dataset reader offers, whatever the file format. */
export const DATASET_FORMATS = ['bvecs', 'fvecs', 'npy', 'hdf5', 'jsonl', 'ndjson'] as const;
export type DatasetFormat = (typeof DATASET_FORMATS)[number];

export interface DatasetRow {
  /** Counted from 0. */
  readonly row: number;
  /** Components, every one finite; the row owns the array. */
  readonly values: Float32Array;
  readonly key?: string;
  readonly payload?: Readonly<Record<string, unknown>>;
}

export interface RowRange {
  /** First row to yield, from 0; a start past the end yields nothing. */
  readonly startRow?: number;
  /** Ends the iteration with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface Dataset {
  readonly path: string;
  readonly format: DatasetFormat;
  readonly dim: number;
  /** Absent when only reading the whole file would tell. */
  readonly rowCount: number | undefined;
  readonly fileBytes: number;
  /** Opens the file anew for each call and closes it when the iteration ends, however it ends. Rows come in ascending order. */
  rows(range?: RowRange): AsyncIterable<DatasetRow>;
}

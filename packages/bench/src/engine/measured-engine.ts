/** An engine as the benchmark drives it: one thread, built once, searched at several beam widths. */
export interface MeasuredEngine {
  readonly name: string;
  /** Inserts every row under its row number, one call per row where the engine has no batch of one thread. */
  build(data: VectorRows): void;
  /** Bytes per vector: of memory where the engine tells, else of its saved file. */
  bytesPerVector(): number;
  /** Prepares for searches with this beam width; not timed. */
  setEf(ef: number): void;
  /** Ids of the k nearest, one query per call. */
  search(query: number, k: number): ArrayLike<number | bigint>;
  close(): void;
}

/** Rows of `dim` floats, back to back. */
export interface VectorRows {
  readonly values: Float32Array;
  readonly dim: number;
  readonly count: number;
}

export interface GraphParameters {
  readonly m: number;
  readonly efConstruction: number;
}

export function rowOf(rows: VectorRows, row: number): Float32Array {
  return rows.values.subarray(row * rows.dim, (row + 1) * rows.dim);
}

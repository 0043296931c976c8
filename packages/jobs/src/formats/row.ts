import type { ErrorCode } from '@shoal/protocol';

/** A row that can be written. */
export interface GoodRow {
  /** Counted from 0 over all files of the import. */
  readonly row: number;
  /** Of the row's first line in its file, counted from 1; text formats only. */
  readonly line?: number;
  readonly key: string;
  readonly values: Float32Array;
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** A row that cannot be written, and why. */
export interface RejectedRow {
  readonly row: number;
  readonly line?: number;
  readonly code: ErrorCode;
  readonly reason: string;
}

export type ReadRow = GoodRow | RejectedRow;

export const isRejected = (row: ReadRow): row is RejectedRow => 'reason' in row;

/** What a format's reader has taken out of a file before keys, vectors and payloads are checked. */
export interface RawRow {
  /** Counted from 0 in the file. */
  readonly row: number;
  readonly line?: number;
  /** Fields by name, or the components alone where the format holds nothing else. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
  readonly components?: Float32Array;
  /** What was wrong with the row itself. */
  readonly fault?: { readonly code: ErrorCode; readonly reason: string };
}

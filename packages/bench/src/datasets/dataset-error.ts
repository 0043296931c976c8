import { ShoalError, type ErrorCode } from '@shoal/protocol';

export interface FilePlace {
  readonly file: string;
  /** Row counted from 0; absent when the fault lies in the file's head or in the file as a whole. */
  readonly row?: number;
  /** Where the row, or the damaged part of it, begins. */
  readonly byteOffset?: number;
}

function describePlace(place: FilePlace): string {
  const row = place.row === undefined ? '' : `, row ${place.row}`;
  const offset = place.byteOffset === undefined ? '' : ` at byte ${place.byteOffset}`;
  return `${place.file}${row}${offset}`;
}

/**
 * A dataset file that cannot be read. The message begins with file, row and byte offset. Codes: `malformed_body` for a
 * damaged or truncated file, `dimension_mismatch`, `invalid_vector`, and `invalid_field` for a file that cannot be opened.
 */
export class DatasetError extends ShoalError {
  readonly place: FilePlace;
  /** The message without the place. */
  readonly fault: string;

  constructor(code: ErrorCode, place: FilePlace, fault: string, cause?: unknown) {
    super(code, `${describePlace(place)}: ${fault}`, { field: 'file', cause });
    this.name = 'DatasetError';
    this.place = place;
    this.fault = fault;
  }
}

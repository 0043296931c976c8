/** Lines of a text file as bytes, with where each begins, in bounded memory. */
import { DatasetError } from './dataset-error.ts';
import { openFile } from './fixed-records.ts';
import { DATASET_LIMITS } from './limits.ts';

export interface FileLine {
  /** Counted from 0, blank lines included. */
  readonly line: number;
  readonly byteOffset: number;
  /** Without the newline. */
  readonly bytes: Buffer;
}

const NEWLINE = 0x0a;

/** Ends with a last line that lacks its newline, when there is one. */
export async function* fileLines(path: string, signal?: AbortSignal): AsyncGenerator<FileLine> {
  const { handle } = await openFile(path);
  try {
    let pending: Buffer = Buffer.alloc(0);
    let pendingOffset = 0;
    let line = 0;
    for (let position = 0; ; ) {
      signal?.throwIfAborted();
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(DATASET_LIMITS.chunkBytes), 0, DATASET_LIMITS.chunkBytes, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      const text: Buffer = Buffer.concat([pending, buffer.subarray(0, bytesRead)]);
      let start = 0;
      for (let end = text.indexOf(NEWLINE, pending.length); end >= 0; end = text.indexOf(NEWLINE, start)) {
        yield { line, byteOffset: pendingOffset + start, bytes: text.subarray(start, end) };
        line += 1;
        start = end + 1;
      }
      pending = text.subarray(start);
      pendingOffset += start;
      if (pending.length > DATASET_LIMITS.jsonLineBytes) {
        const place = { file: path, row: line, byteOffset: pendingOffset };
        throw new DatasetError('malformed_body', place, `the line is longer than ${DATASET_LIMITS.jsonLineBytes} bytes.`);
      }
    }
    if (pending.length > 0) yield { line, byteOffset: pendingOffset, bytes: pending };
  } finally {
    await handle.close();
  }
}

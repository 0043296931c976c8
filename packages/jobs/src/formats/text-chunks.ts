/** Cuts records of text into chunks by rows and bytes. */
import { JOB_LIMITS } from '../limits.ts';
import type { ChunkRange } from './file-format.ts';
import type { TextRecord } from './line-reader.ts';

export class TextChunks {
  readonly #chunks: ChunkRange[] = [];
  #rowCount = 0;
  #open: { firstRow: number; firstByte: number; firstLine: number; endByte: number } | undefined;

  /** The next row that is not blank. */
  add(record: TextRecord): void {
    const open = this.#open;
    if (open !== undefined && (this.#rowCount - open.firstRow >= JOB_LIMITS.chunkRows || record.endByte - open.firstByte > JOB_LIMITS.chunkBytes)) this.#close();
    this.#open ??= { firstRow: this.#rowCount, firstByte: record.firstByte, firstLine: record.line, endByte: record.endByte };
    this.#open.endByte = record.endByte;
    this.#rowCount += 1;
  }

  finish(): { readonly rowCount: number; readonly chunks: readonly ChunkRange[] } {
    this.#close();
    return { rowCount: this.#rowCount, chunks: this.#chunks };
  }

  #close(): void {
    if (this.#open === undefined) return;
    const { firstRow, firstByte, firstLine, endByte } = this.#open;
    this.#chunks.push({ firstRow, rowCount: this.#rowCount - firstRow, text: { firstByte, endByte, firstLine } });
    this.#open = undefined;
  }
}

/** One import: files are scanned, read chunk by chunk, checked row by row and written; rows at fault are told of and left out. */
import type { EmbeddingHandle, ReceiptJson } from '@shoal/client';
import { ShoalError, type ErrorCode } from '@shoal/protocol';
import { columnsOf, readRow, type RowSettings } from '../formats/column-mapping.ts';
import type { ChunkRange, FileContents, FileFormat, ImportFormat, ReaderSettings } from '../formats/file-format.ts';
import { FILE_FORMATS, formatOf } from '../formats/open-format.ts';
import { isRejected, type GoodRow, type RejectedRow } from '../formats/row.ts';
import { JOB_LIMITS } from '../limits.ts';
import type { ByteSource, SourceFile } from '../sources/byte-source.ts';

export interface Rejection extends RejectedRow {
  readonly file: string;
}

export interface ImportProgress {
  /** Rows read so far in all files: those that are in and those that were left out. */
  readonly rowsDone: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly filesDone: number;
  readonly receipt: ReceiptJson;
}

export interface ImportRun {
  readonly files: readonly SourceFile[];
  /** What the extension says when absent. */
  readonly format?: ImportFormat;
  readonly reader: ReaderSettings;
  readonly rows: RowSettings;
  readonly handle: Pick<EmbeddingHandle, 'upsert'>;
  /** Called in the order of the rows, before the progress that counts them. */
  readonly onRejected: (rejections: readonly Rejection[]) => Promise<void>;
  readonly onProgress: (progress: ImportProgress) => void;
  readonly signal: AbortSignal;
}

/** The highest sequence of each slot: slots' sequences only grow. */
function joinReceipts(a: ReceiptJson, b: ReceiptJson): ReceiptJson {
  const joined: Record<string, number> = { ...a };
  for (const [slot, sequence] of Object.entries(b)) joined[slot] = Math.max(joined[slot] ?? 0, sequence);
  return joined;
}

/** The row that a refused write is about, if the fault lies with a row. */
function rowAtFault(error: unknown, rows: readonly GoodRow[]): { readonly index: number; readonly code: ErrorCode; readonly reason: string } | undefined {
  if (!(error instanceof ShoalError) || error.retryable) return undefined;
  const index = Number(/^vectors\[(\d+)\]/.exec(error.field ?? '')?.[1] ?? NaN);
  return rows[index] === undefined ? undefined : { index, code: error.code, reason: error.message.slice(0, JOB_LIMITS.rejectionReasonChars) };
}

class RunningImport {
  readonly #run: ImportRun;
  #progress: ImportProgress = { rowsDone: 0, accepted: 0, rejected: 0, filesDone: 0, receipt: {} };

  constructor(run: ImportRun) {
    this.#run = run;
  }

  async all(): Promise<ImportProgress> {
    let firstRow = 0;
    for (const file of this.#run.files) firstRow += await this.#file(file, firstRow);
    return this.#progress;
  }

  /** Returns the number of rows in the file. */
  async #file(file: SourceFile, firstRow: number): Promise<number> {
    const { reader, rows, signal } = this.#run;
    const source = await file.open();
    try {
      const format = FILE_FORMATS[this.#run.format ?? formatOf(file.name)];
      const contents: FileContents = await format.scan(source, { ...reader, signal });
      const columns = columnsOf(rows.mapping);
      const settings: ReaderSettings = { ...reader, ...contents.settings, ...(columns === undefined ? {} : { columns }) };
      for (const chunk of contents.chunks) await this.#chunk({ source, format, chunk, settings, firstRow });
      this.#advance({ ...this.#progress, filesDone: this.#progress.filesDone + 1 });
      return contents.rowCount;
    } finally {
      await source.close();
    }
  }

  async #chunk(part: { source: ByteSource; format: FileFormat; chunk: ChunkRange; settings: ReaderSettings; firstRow: number }): Promise<void> {
    const { source, format, chunk, settings, firstRow } = part;
    this.#run.signal.throwIfAborted();
    const good: GoodRow[] = [];
    const rejected: RejectedRow[] = [];
    for await (const raw of format.rows(source, chunk, settings)) {
      const row = readRow(raw, firstRow, this.#run.rows);
      if (isRejected(row)) rejected.push(row);
      else good.push(row);
    }
    const receipt = await this.#write(good, rejected);
    rejected.sort((a, b) => a.row - b.row);
    if (rejected.length > 0) await this.#run.onRejected(rejected.map((row) => ({ file: source.name, ...row })));
    const before = this.#progress;
    this.#advance({
      ...before,
      rowsDone: before.rowsDone + good.length + rejected.length,
      accepted: before.accepted + good.length,
      rejected: before.rejected + rejected.length,
      receipt: joinReceipts(before.receipt, receipt),
    });
  }

  /** Writes all of `rows`. Rows that the server refuses, such as for the type of a declared field, move to `rejected`, and the others are written again. */
  async #write(rows: GoodRow[], rejected: RejectedRow[]): Promise<ReceiptJson> {
    const { handle, signal } = this.#run;
    while (rows.length > 0) {
      try {
        return (await handle.upsert(rows, { batchVectors: JOB_LIMITS.writeVectors, inFlight: JOB_LIMITS.writesInFlight, wait: 'applied', signal })).receipt;
      } catch (error) {
        const fault = rowAtFault(error, rows);
        if (fault === undefined) throw error;
        const [row] = rows.splice(fault.index, 1);
        if (row !== undefined) rejected.push({ row: row.row, ...(row.line === undefined ? {} : { line: row.line }), code: fault.code, reason: fault.reason });
      }
    }
    return {};
  }

  #advance(progress: ImportProgress): void {
    this.#progress = progress;
    this.#run.onProgress(progress);
  }
}

/**
 * Imports all files in order. Every write waits until it is applied, so an import never runs ahead of the shards. Repeating an
 * import writes the same keys with the same contents again. Throws `source_invalid`, `source_refused`, `source_unavailable`, or what a write throws.
 */
export async function runImport(run: ImportRun): Promise<ImportProgress> {
  return new RunningImport(run).all();
}

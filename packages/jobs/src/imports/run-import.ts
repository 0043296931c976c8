/** An import from this process alone, without records: files are scanned, read chunk by chunk, checked row by row and written in order. */
import type { EmbeddingHandle, ReceiptJson } from '@shoal/client';
import type { ImportFormat } from '@shoal/protocol';
import type { RowSettings } from '../formats/column-mapping.ts';
import type { ReaderSettings } from '../formats/file-format.ts';
import type { SourceFile } from '../sources/byte-source.ts';
import { importChunk } from './import-chunk.ts';
import type { Rejection } from './import-record.ts';
import { planFile } from './plan-import.ts';
import { joinReceipts } from './write-rows.ts';

export interface RunProgress {
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
  readonly onProgress: (progress: RunProgress) => void;
  readonly signal: AbortSignal;
}

/**
 * Imports all files in order. Every write waits until it is applied, so an import never runs ahead of the shards. Repeating an
 * import writes the same keys with the same contents again. Throws `source_invalid`, `source_refused`, `source_unavailable`, or what a write throws.
 */
export async function runImport({ files, format, reader, rows, handle, onRejected, onProgress, signal }: ImportRun): Promise<RunProgress> {
  let progress: RunProgress = { rowsDone: 0, accepted: 0, rejected: 0, filesDone: 0, receipt: {} };
  const advance = (next: RunProgress): void => {
    progress = next;
    onProgress(next);
  };
  let firstRow = 0;
  for (const file of files) {
    const source = await file.open();
    try {
      const planned = await planFile(source, format, reader, signal);
      for (const range of planned.ranges) {
        signal.throwIfAborted();
        const { accepted, rejections, receipt } = await importChunk({ source, file: { ...planned, firstRow }, range, reader, rows, write: { handle, signal } });
        if (rejections.length > 0) await onRejected(rejections);
        advance({
          ...progress,
          rowsDone: progress.rowsDone + accepted + rejections.length,
          accepted: progress.accepted + accepted,
          rejected: progress.rejected + rejections.length,
          receipt: joinReceipts(progress.receipt, receipt),
        });
      }
      advance({ ...progress, filesDone: progress.filesDone + 1 });
      firstRow += planned.rowCount;
    } finally {
      await source.close();
    }
  }
  return progress;
}

/** Which files an import has, and how they are cut into chunks. */
import type { ImportFormat } from '@shoal/protocol';
import type { ReaderSettings } from '../formats/file-format.ts';
import { FILE_FORMATS, formatOf } from '../formats/open-format.ts';
import { JOB_LIMITS } from '../limits.ts';
import type { ByteSource, SourceFile } from '../sources/byte-source.ts';
import { invalidSource } from '../sources/source-failure.ts';
import type { ImportChunk, ImportFile, ImportPlan } from './import-record.ts';

/** One file after planning: its part of the plan, with chunks that count from 0. */
export async function planFile(source: ByteSource, format: ImportFormat | undefined, reader: ReaderSettings, signal: AbortSignal): Promise<Omit<ImportFile, 'source' | 'firstRow'> & { readonly rowCount: number; readonly ranges: readonly ImportChunk['range'][] }> {
  const chosen = format ?? formatOf(source.name);
  const contents = await FILE_FORMATS[chosen].scan(source, { ...reader, signal });
  return { name: source.name, format: chosen, settings: contents.settings, version: source.version, rowCount: contents.rowCount, ranges: contents.chunks };
}

/** Reads every file once, as far as its format needs it. Throws `source_invalid`, `source_refused` or `source_unavailable`. */
export async function planImport(sources: readonly (readonly SourceFile[])[], format: ImportFormat | undefined, reader: ReaderSettings, signal: AbortSignal): Promise<ImportPlan> {
  const files: ImportFile[] = [];
  const chunks: ImportChunk[] = [];
  let rows = 0;
  for (const [source, found] of sources.entries()) {
    for (const file of found) {
      signal.throwIfAborted();
      const bytes = await file.open();
      try {
        const { rowCount, ranges, ...planned } = await planFile(bytes, format, reader, signal);
        if (chunks.length + ranges.length > JOB_LIMITS.chunks) throw invalidSource(file.name, `with it the import has more than ${JOB_LIMITS.chunks} chunks of rows; import it in parts.`);
        for (const range of ranges) chunks.push({ index: chunks.length, file: files.length, range });
        files.push({ ...planned, source, firstRow: rows });
        rows += rowCount;
      } finally {
        await bytes.close();
      }
    }
  }
  return { files, chunks, rows };
}

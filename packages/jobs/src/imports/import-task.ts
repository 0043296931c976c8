/** The two kinds of work of an import, as messages to a thread: everything goes in with the message, and failures come back as values. */
import { ShoalClient } from '@shoal/client';
import { ShoalError, parseDeclaredFields, type ErrorCode, type ImportRequest } from '@shoal/protocol';
import type { ReaderSettings } from '../formats/file-format.ts';
import { JOB_LIMITS } from '../limits.ts';
import { sourceFileOf, sourceFiles, type SourcePolicy } from '../sources/open-sources.ts';
import { invalidSource } from '../sources/source-failure.ts';
import type { Spool } from '../sources/spooled-file.ts';
import { importChunk } from './import-chunk.ts';
import type { ChunkResult, ImportChunk, ImportFile, ImportPlan, ImportRecord } from './import-record.ts';
import { planImport } from './plan-import.ts';

export interface PlanTask {
  readonly type: 'plan';
  readonly request: ImportRequest;
  readonly policy: SourcePolicy;
}

export interface ChunkTask {
  readonly type: 'chunk';
  readonly record: ImportRecord;
  readonly token: string;
  readonly file: ImportFile;
  readonly chunk: ImportChunk;
  readonly policy: SourcePolicy;
  /** Base address of the gateway to write through. */
  readonly gatewayUrl: string;
  /** Trace context of the task, as in the header `traceparent` of the W3C, which its requests bear. */
  readonly traceParent?: string;
}

export type ImportTask = PlanTask | ChunkTask;

export interface TaskFault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

export type TaskResult =
  | { readonly type: 'planned'; readonly plan: ImportPlan }
  | { readonly type: 'imported'; readonly result: ChunkResult }
  | { readonly type: 'failed'; readonly fault: TaskFault };

export function readerSettings({ delimiter, dataset }: ImportRequest): ReaderSettings {
  return { ...(delimiter === undefined ? {} : { delimiter }), ...(dataset === undefined ? {} : { dataset }) };
}

async function plan({ request, policy }: PlanTask, signal: AbortSignal, spool: Spool | undefined): Promise<ImportPlan> {
  const sources = [];
  for (const address of request.sources) sources.push(await sourceFiles([address], policy, spool));
  return planImport(sources, request.format, readerSettings(request), signal);
}

/** Requests that bear a trace context. */
function fetchWithin(traceParent: string): typeof globalThis.fetch {
  return (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('traceparent', traceParent);
    return globalThis.fetch(input, { ...init, headers });
  };
}

async function chunk({ record, token, file, chunk: { index, range }, policy, gatewayUrl, traceParent }: ChunkTask, signal: AbortSignal, spool: Spool | undefined): Promise<ChunkResult> {
  const { request, dim, distance, id } = record;
  const client = new ShoalClient({ url: gatewayUrl, apiKey: token, timeoutMs: JOB_LIMITS.writeTimeoutMs, retries: JOB_LIMITS.writeRetries, ...(traceParent === undefined ? {} : { fetch: fetchWithin(traceParent) }) });
  const handle = client.embedding(record.embedding);
  const { code, fields } = await handle.describe({ signal });
  if (code !== record.code) throw new ShoalError('embedding_dropped', `The embedding ${record.embedding} was dropped and registered again after the import had begun.`);
  const source = await (await sourceFileOf(request.sources[file.source] ?? '', file.name, policy, spool)).open();
  try {
    if (source.version !== file.version) throw invalidSource(file.name, 'its contents have changed since the import began; import it again.');
    return await importChunk({
      source, file, range, reader: readerSettings(request),
      rows: { mapping: request.mapping, keyPrefix: request.keyPrefix, dim, distance, fields: parseDeclaredFields(fields) },
      write: { handle, name: `${id}.${index}`, signal },
    });
  } finally {
    await source.close();
  }
}

/** An error that nobody expected is a defect; trying again may still help, as when memory was short. */
export function faultOf(error: unknown): TaskFault {
  if (error instanceof ShoalError) return { code: error.code, message: error.message.slice(0, JOB_LIMITS.faultChars), retryable: error.retryable };
  return { code: 'internal', message: error instanceof Error ? (error.stack ?? error.message).slice(0, JOB_LIMITS.faultChars) : String(error), retryable: true };
}

/** `spool` keeps remote files from one task to the next. */
export async function runImportTask(task: ImportTask, signal: AbortSignal, spool?: Spool): Promise<TaskResult> {
  try {
    switch (task.type) {
      case 'plan':
        return { type: 'planned', plan: await plan(task, signal, spool) };
      case 'chunk':
        return { type: 'imported', result: await chunk(task, signal, spool) };
    }
  } catch (error) {
    return { type: 'failed', fault: faultOf(error) };
  }
}

/** What is known of an import: what was asked for, its files and chunks, and how far it is. */
import type { ColumnMapping, Distance, EmbeddingName, ErrorCode, ImportFormat, ImportId, ImportRequest, ImportResponse, ImportState, ReceiptJson, TenantId } from '@shoal/protocol';
import type { ChunkRange, ReaderSettings } from '../formats/file-format.ts';
import type { RejectedRow } from '../formats/row.ts';

export type { ColumnMapping };

/** What never changes. */
export interface ImportRecord {
  readonly id: ImportId;
  readonly tenant: TenantId;
  /** Under which the embedding is registered; an alias in the request was followed. */
  readonly embedding: EmbeddingName;
  /** Of the embedding: one of the same name that was registered later is another. */
  readonly code: number;
  readonly dim: number;
  readonly distance: Distance;
  readonly request: ImportRequest;
  readonly createdAtMs: number;
}

/** Why an import failed. */
export interface ImportFault {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What changes while it runs. */
export interface ImportProgress {
  readonly state: ImportState;
  /** Counts starts and resumes: jobs of an earlier run end by themselves. */
  readonly run: number;
  /** What lets a worker write into this embedding and nothing else; made anew at each run. A secret. */
  readonly token: string;
  readonly files: number;
  readonly rows: number;
  readonly chunks: number;
  readonly chunksDone: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Rejected rows that the report holds. */
  readonly reported: number;
  readonly receipt: ReceiptJson;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  /** When this run began, and how many rows were done then: the base of the rate. */
  readonly runStartedAtMs?: number;
  readonly runStartRows?: number;
  readonly error?: ImportFault;
}

export interface ImportStatus {
  readonly record: ImportRecord;
  readonly progress: ImportProgress;
}

/** A file as planning found it. */
export interface ImportFile {
  /** Index of the address it came from. */
  readonly source: number;
  /** Its address without credentials. */
  readonly name: string;
  readonly format: ImportFormat;
  /** What the head of the file says, such as the names of columns. */
  readonly settings: ReaderSettings;
  /** Changes when the contents change. */
  readonly version: string;
  /** Number of its first row in the whole import. */
  readonly firstRow: number;
}

/** All that a job carries: which rows of which file. */
export interface ImportChunk {
  readonly index: number;
  /** Index of the file in the plan. */
  readonly file: number;
  readonly range: ChunkRange;
}

export interface ImportPlan {
  readonly files: readonly ImportFile[];
  readonly chunks: readonly ImportChunk[];
  readonly rows: number;
}

export interface Rejection extends RejectedRow {
  readonly file: string;
}

export interface ChunkResult {
  readonly accepted: number;
  /** In the order of the rows. */
  readonly rejections: readonly Rejection[];
  readonly receipt: ReceiptJson;
}

export const ACTIVE_STATES: readonly ImportState[] = ['queued', 'planning', 'running'];
export const ENDED_STATES: readonly ImportState[] = ['done', 'failed', 'cancelled'];

export const isActive = ({ state }: ImportProgress): boolean => ACTIVE_STATES.includes(state);

export const FIRST_PROGRESS: Omit<ImportProgress, 'token'> = { state: 'queued', run: 1, files: 0, rows: 0, chunks: 0, chunksDone: 0, accepted: 0, rejected: 0, reported: 0, receipt: {} };

/** An address without what may be a secret: user, password and query. */
function shownSource(source: string): string {
  const url = /^https?:\/\//.test(source) ? URL.parse(source) : null;
  return url === null ? source : `${url.origin}${url.pathname}`;
}

const timeOf = (timeMs: number): string => new Date(timeMs).toISOString();

function pace({ runStartedAtMs, runStartRows = 0, finishedAtMs, rows, accepted, rejected, state }: ImportProgress, nowMs: number): Pick<ImportResponse, 'rowsPerSecond' | 'secondsLeft'> {
  if (runStartedAtMs === undefined) return {};
  const rowsDone = accepted + rejected;
  const seconds = Math.max(0.001, ((finishedAtMs ?? nowMs) - runStartedAtMs) / 1_000);
  const rowsPerSecond = Math.round(((rowsDone - runStartRows) / seconds) * 10) / 10;
  return { rowsPerSecond, ...(state === 'running' && rowsPerSecond > 0 ? { secondsLeft: Math.ceil((rows - rowsDone) / rowsPerSecond) } : {}) };
}

/** What a caller gets to see. */
export function importResponse({ record, progress }: ImportStatus, nowMs: number): ImportResponse {
  const { id, request, createdAtMs } = record;
  const { state, files, rows, accepted, rejected, reported, receipt, startedAtMs, finishedAtMs, error } = progress;
  return {
    id, embedding: request.embedding, sources: request.sources.map(shownSource),
    ...(request.format === undefined ? {} : { format: request.format }),
    state, createdAt: timeOf(createdAtMs),
    ...(startedAtMs === undefined ? {} : { startedAt: timeOf(startedAtMs) }),
    ...(finishedAtMs === undefined ? {} : { finishedAt: timeOf(finishedAtMs) }),
    files, rows, rowsDone: accepted + rejected, accepted, rejected, reported,
    ...pace(progress, nowMs),
    receipt,
    ...(error === undefined ? {} : { error }),
  };
}

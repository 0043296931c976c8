/**
 * Imports in a LevelDB of this process; keys are text, values JSON:
 *
 *   i!<id>            status       {record, progress}
 *   f!<id>!<index>    file         index and row as ten digits, so that they are in order
 *   c!<id>!<index>    chunk        deleted when it is recorded
 *   r!<id>!<row>      rejection
 *
 * Calls that change something are done one after the other, each with one batch.
 */
import { LIMITS, ShoalError, mergeReceipts, parseReceipt, receiptToJson, type ImportId, type ReceiptJson, type TenantId } from '@shoal/protocol';
import type { AbstractLevel } from 'abstract-level';
import { ClassicLevel } from 'classic-level';
import { ENDED_STATES, FIRST_PROGRESS, isActive, type ChunkResult, type ImportChunk, type ImportFile, type ImportPlan, type ImportProgress, type ImportRecord, type ImportStatus, type Rejection } from './import-record.ts';
import type { ImportMove, ImportRecords } from './import-records.ts';

type Database = AbstractLevel<string | Buffer | Uint8Array, string, string>;
type Write = { readonly type: 'put'; readonly key: string; readonly value: string } | { readonly type: 'del'; readonly key: string };

const place = (number: number): string => String(number).padStart(10, '0');
const put = (key: string, value: unknown): Write => ({ type: 'put', key, value: JSON.stringify(value) });
const KEY = {
  status: (id: ImportId): string => `i!${id}`,
  file: (id: ImportId, index: number): string => `f!${id}!${place(index)}`,
  chunk: (id: ImportId, index: number): string => `c!${id}!${place(index)}`,
  rejection: (id: ImportId, row: number): string => `r!${id}!${place(row)}`,
} as const;

const joined = (a: ReceiptJson, b: ReceiptJson): ReceiptJson => receiptToJson(mergeReceipts([parseReceipt(a, LIMITS.slots), parseReceipt(b, LIMITS.slots)]));

export class LevelImportRecords implements ImportRecords {
  readonly #level: Database;
  #last: Promise<unknown> = Promise.resolve();

  constructor(level: Database) {
    this.#level = level;
  }

  static async open(directory: string): Promise<LevelImportRecords> {
    const level = new ClassicLevel<string, string>(directory, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
    await level.open();
    return new LevelImportRecords(level as unknown as Database);
  }

  create(record: ImportRecord, token: string): Promise<{ readonly status: ImportStatus; readonly created: boolean }> {
    return this.#inTurn(async () => {
      const known = await this.find(record.id);
      if (known !== undefined) return { status: known, created: false };
      if ((await this.list(record.tenant)).length >= LIMITS.importsPerTenant) throw tooManyImports();
      const status: ImportStatus = { record, progress: { ...FIRST_PROGRESS, token } };
      await this.#level.batch([put(KEY.status(record.id), status)]);
      return { status, created: true };
    });
  }

  find(id: ImportId): Promise<ImportStatus | undefined> {
    return this.#get<ImportStatus>(KEY.status(id));
  }

  async list(tenant: TenantId): Promise<readonly ImportStatus[]> {
    return (await this.#all()).filter(({ record }) => record.tenant === tenant);
  }

  async active(): Promise<readonly ImportStatus[]> {
    return (await this.#all()).filter(({ progress }) => isActive(progress));
  }

  move(id: ImportId, { from, run, to }: ImportMove): Promise<boolean> {
    return this.#inTurn(async () => {
      const status = await this.find(id);
      if (status === undefined || !from.includes(status.progress.state) || (run !== undefined && run !== status.progress.run)) return false;
      const members = Object.entries({ ...status.progress, ...to }).filter(([, value]) => value !== null);
      await this.#level.batch([put(KEY.status(id), { ...status, progress: Object.fromEntries(members) as unknown as ImportProgress })]);
      return true;
    });
  }

  plan(id: ImportId, run: number, { files, chunks, rows }: ImportPlan, nowMs: number): Promise<boolean> {
    return this.#inTurn(async () => {
      const status = await this.find(id);
      if (status === undefined || status.progress.state !== 'planning' || status.progress.run !== run) return false;
      const progress: ImportProgress = { ...status.progress, state: 'running', files: files.length, rows, chunks: chunks.length, startedAtMs: nowMs, runStartedAtMs: nowMs, runStartRows: 0 };
      await this.#level.batch([
        ...files.map((file, index) => put(KEY.file(id, index), file)),
        ...chunks.map((chunk) => put(KEY.chunk(id, chunk.index), chunk)),
        put(KEY.status(id), { ...status, progress }),
      ]);
      return true;
    });
  }

  async pending(id: ImportId, limit: number): Promise<readonly ImportChunk[]> {
    return this.#range<ImportChunk>(`c!${id}!`, limit);
  }

  file(id: ImportId, index: number): Promise<ImportFile | undefined> {
    return this.#get<ImportFile>(KEY.file(id, index));
  }

  record(id: ImportId, chunk: number, { accepted, rejections, receipt }: ChunkResult): Promise<boolean> {
    return this.#inTurn(async () => {
      const status = await this.find(id);
      if (status === undefined || (await this.#get(KEY.chunk(id, chunk))) === undefined) return false;
      const { progress } = status;
      const reported = rejections.slice(0, Math.max(0, LIMITS.importRejections - progress.reported));
      const next: ImportProgress = {
        ...progress,
        chunksDone: progress.chunksDone + 1,
        accepted: progress.accepted + accepted,
        rejected: progress.rejected + rejections.length,
        reported: progress.reported + reported.length,
        receipt: joined(progress.receipt, receipt),
      };
      await this.#level.batch([
        { type: 'del', key: KEY.chunk(id, chunk) },
        ...reported.map((rejection) => put(KEY.rejection(id, rejection.row), rejection)),
        put(KEY.status(id), { ...status, progress: next }),
      ]);
      return true;
    });
  }

  async rejections(id: ImportId, first: number, limit: number): Promise<readonly Rejection[]> {
    return (await this.#range<Rejection>(`r!${id}!`, first + limit)).slice(first);
  }

  delete(id: ImportId): Promise<boolean> {
    return this.#inTurn(async () => {
      const status = await this.find(id);
      if (status === undefined || !ENDED_STATES.includes(status.progress.state)) return false;
      for (const family of ['f', 'c', 'r']) await this.#level.clear({ gte: `${family}!${id}!`, lt: `${family}!${id}"` });
      await this.#level.del(KEY.status(id));
      return true;
    });
  }

  async close(): Promise<void> {
    await this.#inTurn(() => this.#level.close());
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(run);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #get<T>(key: string): Promise<T | undefined> {
    const text = await this.#level.get(key);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  async #all(): Promise<readonly ImportStatus[]> {
    return this.#range<ImportStatus>('i!', -1);
  }

  async #range<T>(prefix: string, limit: number): Promise<readonly T[]> {
    // '"' is the character after '!'.
    const values = await this.#level.values({ gte: prefix, lt: `${prefix.slice(0, -1)}"`, limit }).all();
    return values.map((value) => JSON.parse(value) as T);
  }
}

export function tooManyImports(): ShoalError {
  return new ShoalError('too_many_imports', `The tenant has ${LIMITS.importsPerTenant} imports; delete some that have ended.`, { limit: LIMITS.importsPerTenant });
}

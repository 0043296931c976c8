/** Imports as callers see them: asked for, looked at, paused, resumed, cancelled and forgotten. Workers run them. */
import { ENDED_STATES, importResponse, type ImportMove, type ImportQueue, type ImportRecord, type ImportRecords, type ImportStatus, type JobQueue, type Rejection } from '@shoal/jobs';
import type { Clock } from '@shoal/pacing';
import { ShoalError, digestText, importIdOf, type ImportId, type ImportRequest, type ImportResponse, type OperationId, type TenantId } from '@shoal/protocol';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import type { ImportTokens } from './import-token.ts';

/** Where imports are kept and who runs them; opened and closed by whoever starts the gateway. */
export interface ImportBackend {
  readonly records: ImportRecords;
  readonly queue: ImportQueue;
  /** What the job page shows, where there is one. */
  readonly jobQueues?: readonly JobQueue[];
}

export interface ImportServiceDependencies {
  /** Absent where nobody runs imports. */
  readonly backend?: ImportBackend;
  readonly tokens: ImportTokens;
  readonly clock: Clock;
  readonly newOperationId: () => OperationId;
}

/** Which imports a caller may see. */
export type ImportFilter = (status: ImportStatus) => boolean;

/**
 * Invariants:
 * 1. Another tenant's import, or one into an embedding that the caller's key is not for, is answered like one that never was.
 * 2. An import is in the records before it is in the queue: what a gateway leaves behind when it dies in between is found by a sweep.
 */
export class ImportService {
  readonly #dependencies: ImportServiceDependencies;

  constructor(dependencies: ImportServiceDependencies) {
    this.#dependencies = dependencies;
  }

  /** The import that has this idempotency key in the tenant, or a new one. */
  async create(tenant: TenantId, request: ImportRequest, { spec }: EmbeddingRecord, idempotencyKey: string | undefined): Promise<{ readonly response: ImportResponse; readonly created: boolean }> {
    const { clock, newOperationId } = this.#dependencies;
    const id = (idempotencyKey === undefined ? newOperationId() : digestText(JSON.stringify([tenant, 'import', idempotencyKey]))) as ImportId;
    const record: ImportRecord = { id, tenant, embedding: spec.name, code: spec.code, dim: spec.dim, distance: spec.distance, request, createdAtMs: clock.nowMs() };
    const { status, created } = await this.#backed(({ records }) => records.create(record, this.#tokenOf(record)));
    if (!created && JSON.stringify(status.record.request) !== JSON.stringify(request)) {
      throw new ShoalError('idempotency_key_reused', 'The idempotency key was used for another import.', { field: 'idempotency-key' });
    }
    // Also for one that was there: the gateway that made it may have died before it was queued.
    if (!ENDED_STATES.includes(status.progress.state)) await this.#backed(({ queue }) => queue.enqueue(id, status.progress.run));
    return { response: this.#respond(status), created };
  }

  /** By id. */
  async list(tenant: TenantId, mayUse: ImportFilter): Promise<readonly ImportResponse[]> {
    const all = await this.#backed(({ records }) => records.list(tenant));
    return all.filter(mayUse).map((status) => this.#respond(status));
  }

  async get(tenant: TenantId, name: string, mayUse: ImportFilter): Promise<ImportResponse> {
    return this.#respond(await this.#find(tenant, name, mayUse));
  }

  async pause(tenant: TenantId, name: string, mayUse: ImportFilter): Promise<ImportResponse> {
    return this.#move(tenant, name, mayUse, { from: ['queued', 'planning', 'running', 'paused'], to: { state: 'paused' } });
  }

  async cancel(tenant: TenantId, name: string, mayUse: ImportFilter): Promise<ImportResponse> {
    return this.#move(tenant, name, mayUse, { from: ['queued', 'planning', 'running', 'paused', 'cancelled'], to: { state: 'cancelled', finishedAtMs: this.#dependencies.clock.nowMs() } });
  }

  /** A paused import, or one that failed, goes on where it was. */
  async resume(tenant: TenantId, name: string, mayUse: ImportFilter): Promise<ImportResponse> {
    const { record, progress } = await this.#find(tenant, name, mayUse);
    const run = progress.run + 1;
    const nowMs = this.#dependencies.clock.nowMs();
    const isPlanned = progress.startedAtMs !== undefined;
    const response = await this.#move(tenant, name, mayUse, {
      from: ['paused', 'failed'], run: progress.run,
      to: {
        state: isPlanned ? 'running' : 'queued', run, token: this.#tokenOf(record), finishedAtMs: null, error: null,
        ...(isPlanned ? { runStartedAtMs: nowMs, runStartRows: progress.accepted + progress.rejected } : {}),
      },
    });
    await this.#backed(({ queue }) => queue.enqueue(record.id, run));
    return response;
  }

  async delete(tenant: TenantId, name: string, mayUse: ImportFilter): Promise<void> {
    const { record, progress } = await this.#find(tenant, name, mayUse);
    if (!(await this.#backed(({ records }) => records.delete(record.id)))) throw conflict(progress.state, 'cancel it first');
  }

  /** Rejections from a position on, by row. */
  async report(tenant: TenantId, name: string, mayUse: ImportFilter, first: number, limit: number): Promise<readonly Rejection[]> {
    const { record } = await this.#find(tenant, name, mayUse);
    return this.#backed(({ records }) => records.rejections(record.id, first, limit));
  }

  async #move(tenant: TenantId, name: string, mayUse: ImportFilter, move: ImportMove): Promise<ImportResponse> {
    const { record } = await this.#find(tenant, name, mayUse);
    const moved = await this.#backed(({ records }) => records.move(record.id, move));
    const now = await this.#find(tenant, name, mayUse);
    if (!moved) throw conflict(now.progress.state, `this is for imports that are ${move.from.join(', ')}`);
    return this.#respond(now);
  }

  async #find(tenant: TenantId, name: string, mayUse: ImportFilter): Promise<ImportStatus> {
    const id = importIdOf(name);
    const status = id === undefined ? undefined : await this.#backed(({ records }) => records.find(id));
    if (status === undefined || status.record.tenant !== tenant || !mayUse(status)) throw new ShoalError('import_not_found', 'There is no import with this id.', { field: 'import' });
    return status;
  }

  /** A failure of the backend that is no operating error of ours is one of Redis or of the disk. */
  async #backed<T>(call: (backend: ImportBackend) => Promise<T>): Promise<T> {
    const { backend } = this.#dependencies;
    if (backend === undefined) throw new ShoalError('imports_unavailable', 'This gateway takes no imports, because SHOAL_REDIS_URL is not set.');
    try {
      return await call(backend);
    } catch (error) {
      if (error instanceof ShoalError) throw error;
      throw new ShoalError('imports_unavailable', 'The records of imports do not answer; try again.', { cause: error });
    }
  }

  #respond(status: ImportStatus): ImportResponse {
    return importResponse(status, this.#dependencies.clock.nowMs());
  }

  #tokenOf({ tenant, embedding, id }: ImportRecord): string {
    return this.#dependencies.tokens.issue({ tenant, embedding, id, lastMs: this.#dependencies.clock.nowMs() + GATEWAY_LIMITS.importTokenMs });
  }
}

function conflict(state: string, advice: string): ShoalError {
  return new ShoalError('import_conflict', `The import is ${state}; ${advice}.`, { field: 'import' });
}

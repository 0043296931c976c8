/** Runs imports step by step; whoever calls it brings the queue: BullMQ in a worker, a loop in an embedded node. */
import { ShoalError, type ImportId } from '@shoal/protocol';
import type { Clock, Timers } from '@shoal/pacing';
import type { Logger } from 'pino';
import { JOB_LIMITS } from '../limits.ts';
import type { SourcePolicy } from '../sources/open-sources.ts';
import { isActive, type ImportChunk, type ImportStatus } from './import-record.ts';
import type { ImportRecords } from './import-records.ts';
import type { TaskFault, TaskResult } from './import-task.ts';
import type { ImportTasks } from './thread-tasks.ts';

export interface ImportRunnerDependencies {
  readonly records: ImportRecords;
  readonly tasks: ImportTasks;
  readonly policy: SourcePolicy;
  /** Base addresses of gateways; chunks and their attempts take turns. */
  readonly gatewayUrls: readonly string[];
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

export type ImportStep = { readonly type: 'plan' } | { readonly type: 'chunks'; readonly chunks: readonly ImportChunk[]; /** Of the rows of the import, 0 to 1. */ readonly doneShare: number } | { readonly type: 'over' };

/** Which run of which import; a job of an earlier run has nothing to do any more. */
export interface RunName {
  readonly id: ImportId;
  readonly run: number;
}

/** A try at a step that may go better later; thrown to the queue, which comes back. */
export class StepDelayed extends Error {
  constructor(fault: TaskFault) {
    super(`${fault.code}: ${fault.message}`);
    this.name = 'StepDelayed';
  }
}

/**
 * Invariants:
 * 1. Every step may be done again, at any time, by anyone: plans are taken up once, chunks count once, writes carry names.
 * 2. A step whose import was paused, cancelled or resumed under another run ends within JOB_LIMITS.watchMs and changes nothing more of its records.
 * 3. What can never succeed fails the import with its reason; what may succeed later is tried again and shown as the reason for the delay.
 */
export class ImportRunner {
  readonly #dependencies: ImportRunnerDependencies;

  constructor(dependencies: ImportRunnerDependencies) {
    this.#dependencies = dependencies;
  }

  get records(): ImportRecords {
    return this.#dependencies.records;
  }

  /** What is to be done next; an import whose chunks are all recorded is done by this. */
  async next({ id, run }: RunName): Promise<ImportStep> {
    const { records, clock, logger } = this.#dependencies;
    await records.move(id, { from: ['queued'], run, to: { state: 'planning' } });
    const status = await this.#current({ id, run });
    if (status === undefined) return { type: 'over' };
    if (status.progress.state === 'planning') return { type: 'plan' };
    const chunks = await records.pending(id, JOB_LIMITS.waveChunks);
    const { rows, accepted, rejected } = status.progress;
    if (chunks.length > 0) return { type: 'chunks', chunks, doneShare: rows === 0 ? 0 : (accepted + rejected) / rows };
    if (await records.move(id, { from: ['running'], run, to: { state: 'done', finishedAtMs: clock.nowMs(), error: null } })) {
      logger.info({ import: id, rows, rejected }, 'import done');
    }
    return { type: 'over' };
  }

  /** Throws StepDelayed. */
  async plan(name: RunName, attempt: number, signal: AbortSignal): Promise<void> {
    const { records, tasks, policy, clock } = this.#dependencies;
    const status = await this.#current(name);
    if (status?.progress.state !== 'planning') return;
    const result = await this.#watched(name, signal, (ended) => tasks.run({ type: 'plan', request: status.record.request, policy }, ended));
    if (result?.type === 'planned') await records.plan(name.id, name.run, result.plan, clock.nowMs());
    else if (result?.type === 'failed') await this.#faulty(name, result.fault, attempt);
  }

  /** Throws StepDelayed. */
  async chunk(name: RunName, chunk: ImportChunk, attempt: number, signal: AbortSignal): Promise<void> {
    const { records, tasks, policy, gatewayUrls } = this.#dependencies;
    const [status, file] = await Promise.all([this.#current(name), records.file(name.id, chunk.file)]);
    if (status?.progress.state !== 'running' || file === undefined) return;
    const gatewayUrl = gatewayUrls[(chunk.index + attempt) % gatewayUrls.length] ?? '';
    const { record, progress: { token } } = status;
    const result = await this.#watched(name, signal, (ended) => tasks.run({ type: 'chunk', record, token, file, chunk, policy, gatewayUrl }, ended));
    if (result?.type === 'imported') {
      await records.record(name.id, chunk.index, result.result);
      if (status.progress.error !== undefined) await records.move(name.id, { from: ['running'], run: name.run, to: { error: null } });
    } else if (result?.type === 'failed') await this.#faulty(name, result.fault, attempt);
  }

  /** The import, if it is in this run and should be going on. */
  async #current({ id, run }: RunName): Promise<ImportStatus | undefined> {
    const status = await this.#dependencies.records.find(id);
    return status !== undefined && status.progress.run === run && isActive(status.progress) ? status : undefined;
  }

  async #faulty({ id, run }: RunName, fault: TaskFault, attempt: number): Promise<void> {
    const { records, clock, logger } = this.#dependencies;
    const error = { code: fault.code, message: fault.message };
    if (fault.retryable && attempt < JOB_LIMITS.chunkAttempts) {
      await records.move(id, { from: ['planning', 'running'], run, to: { error } });
      throw new StepDelayed(fault);
    }
    logger.warn({ import: id, code: fault.code }, 'import failed');
    await records.move(id, { from: ['planning', 'running'], run, to: { state: 'failed', finishedAtMs: clock.nowMs(), error } });
  }

  /** Undefined when the import was stopped meanwhile. Throws the signal's reason when the process is to end. */
  async #watched(name: RunName, signal: AbortSignal, work: (ended: AbortSignal) => Promise<TaskResult>): Promise<TaskResult | undefined> {
    const { timers, logger } = this.#dependencies;
    const stopped = new AbortController();
    let cancel = (): void => undefined;
    const look = async (): Promise<void> => {
      try {
        if ((await this.#current(name)) === undefined) return stopped.abort();
      } catch (error) {
        logger.debug({ err: error, import: name.id }, 'the state of an import cannot be read now');
      }
      if (!stopped.signal.aborted) cancel = timers.after(JOB_LIMITS.watchMs, () => void look());
    };
    cancel = timers.after(JOB_LIMITS.watchMs, () => void look());
    try {
      return await work(AbortSignal.any([signal, stopped.signal]));
    } catch (error) {
      if (signal.aborted) throw new ShoalError('not_ready', 'The worker is closing.', { cause: error });
      if (stopped.signal.aborted) return undefined;
      throw error;
    } finally {
      stopped.abort();
      cancel();
    }
  }
}

/** How long to wait before an attempt, counted from 1 for the first repetition. */
export function backoffMs(attempt: number): number {
  return Math.min(JOB_LIMITS.maximumBackoffMs, JOB_LIMITS.firstBackoffMs * 2 ** Math.min(attempt - 1, 10));
}

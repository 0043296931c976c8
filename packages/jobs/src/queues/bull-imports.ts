/**
 * Imports as BullMQ jobs in Redis. One job per run of an import is the parent of its chunks: it adds a wave of them, waits, and is called
 * again when all of the wave have ended. Jobs carry references, never vectors.
 *
 *   queue shoal-imports          {id, run}           job id: <id>-<run>
 *   queue shoal-import-chunks    {id, run, chunk?}   planning without a chunk, else one chunk
 */
import type { ImportId, ImportState } from '@shoal/protocol';
import { Queue, UnrecoverableError, WaitingChildrenError, Worker, type Job, type JobsOptions, type QueueOptions, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { ImportChunk } from '../imports/import-record.ts';
import type { ImportQueue, ImportRecords } from '../imports/import-records.ts';
import { backoffMs, type ImportRunner, type RunName } from '../imports/import-runner.ts';
import { JOB_LIMITS } from '../limits.ts';

export const IMPORT_QUEUE = 'shoal-imports';
export const CHUNK_QUEUE = 'shoal-import-chunks';
export const QUEUE_PREFIX = 'shoal';

interface ChunkData extends RunName {
  readonly chunk?: ImportChunk;
}

const KEPT = { age: JOB_LIMITS.keptJobSeconds, count: JOB_LIMITS.keptJobs };
const JOB_OPTIONS: JobsOptions = { attempts: JOB_LIMITS.chunkAttempts, backoff: { type: 'custom' }, removeOnComplete: KEPT, removeOnFail: KEPT, stackTraceLimit: 1 };

/** A connection of a producer: a call that Redis does not answer in time fails instead of waiting. */
export function openProducerRedis(url: string): Redis {
  return new Redis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: JOB_LIMITS.redisTimeoutMs, connectTimeout: JOB_LIMITS.redisTimeoutMs, retryStrategy: (attempt) => Math.min(attempt * 100, 2_000) });
}

/** A connection of a worker: it waits for Redis as long as it takes. */
export function openWorkerRedis(url: string): Redis {
  return new Redis(url, { maxRetriesPerRequest: null, retryStrategy: (attempt) => Math.min(attempt * 100, 2_000) });
}

const queueOptions = (connection: Redis): QueueOptions => ({ connection, prefix: QUEUE_PREFIX, skipVersionCheck: true });

export class BullImportQueue implements ImportQueue {
  readonly imports: Queue<RunName>;
  readonly chunks: Queue<ChunkData>;

  /** The connection belongs to whoever opened it. */
  constructor(connection: Redis, onError: (error: Error) => void) {
    this.imports = new Queue(IMPORT_QUEUE, queueOptions(connection));
    this.chunks = new Queue(CHUNK_QUEUE, queueOptions(connection));
    for (const queue of [this.imports, this.chunks]) queue.on('error', onError);
  }

  async enqueue(id: ImportId, run: number): Promise<void> {
    await this.imports.add('import', { id, run }, { ...JOB_OPTIONS, jobId: `${id}-${run}` });
  }

  /** Whether a job for this run waits, runs, or waits for its chunks. */
  async isUnderWay({ id, run }: RunName): Promise<boolean> {
    const job = await this.imports.getJob(`${id}-${run}`);
    if (job === undefined) return false;
    const state = await job.getState();
    if (state !== 'completed' && state !== 'failed' && state !== 'unknown') return true;
    // A job that has ended would stand in the way of a new one of its name.
    await job.remove();
    return false;
  }

  async depths(): Promise<readonly QueueDepth[]> {
    const counted = await Promise.all([this.imports, this.chunks].map(async (queue) => ({ name: queue.name, counts: await queue.getJobCounts(...OPEN_STATES) })));
    return counted.flatMap(({ name, counts }) => OPEN_STATES.map((state) => ({ queue: name, state, jobs: counts[state] ?? 0 })));
  }

  async close(): Promise<void> {
    await this.imports.close();
    await this.chunks.close();
  }
}

export interface BullWorkersOptions {
  readonly redisUrl: string;
  readonly runner: ImportRunner;
  readonly records: ImportRecords;
  /** Chunks at one time. */
  readonly concurrency: number;
  readonly logger: Logger;
}

/** States of jobs that are not over. */
const OPEN_STATES = ['waiting', 'active', 'delayed', 'waiting-children'] as const;

export interface QueueDepth {
  readonly queue: string;
  readonly state: (typeof OPEN_STATES)[number];
  readonly jobs: number;
}

export interface BullWorkers {
  /** How many jobs wait or run, on all workers together. Rejects when Redis does not answer. */
  depths(): Promise<readonly QueueDepth[]>;
  /** Takes no more jobs, gives those under way JOB_LIMITS.closeMs, then gives them up. */
  close(): Promise<void>;
}

/** What the job page shows of an import that is over. */
interface ImportOutcome {
  readonly tenant: string;
  readonly embedding: string;
  readonly state: ImportState;
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: number;
}

/** Undefined for an import that is forgotten. Throws the reason of one that failed, so that its job counts as failed. */
async function outcomeOf({ id, run }: RunName, records: ImportRecords): Promise<ImportOutcome | undefined> {
  const status = await records.find(id);
  if (status === undefined) return undefined;
  const { record: { tenant, embedding }, progress: { state, rows, accepted, rejected, error, ...progress } } = status;
  if (progress.run === run && state === 'failed') throw new UnrecoverableError(error === undefined ? 'the import failed' : `${error.code}: ${error.message}`);
  return { tenant, embedding, state, rows, accepted, rejected };
}

/** Adds the wave and waits for it; returns when there is nothing to wait for. Throws WaitingChildrenError, which is how BullMQ is told to wait. */
async function stepImport(job: Job<RunName>, token: string, runner: ImportRunner, queue: BullImportQueue): Promise<ImportOutcome | undefined> {
  for (;;) {
    const step = await runner.next(job.data);
    if (step.type === 'over') return outcomeOf(job.data, runner.records);
    if (step.type === 'chunks') await job.updateProgress(Math.floor(step.doneShare * 100));
    const wave: readonly (ImportChunk | undefined)[] = step.type === 'plan' ? [undefined] : step.chunks;
    const parent = { id: job.id ?? '', queue: job.queueQualifiedName };
    await queue.chunks.addBulk(wave.map((chunk) => ({
      name: chunk === undefined ? 'plan' : 'chunk',
      data: { id: job.data.id, run: job.data.run, ...(chunk === undefined ? {} : { chunk }) },
      opts: { ...JOB_OPTIONS, removeOnComplete: true, parent, ignoreDependencyOnFailure: true },
    })));
    if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError();
  }
}

/** Runs jobs of both queues, and every now and then looks for imports that no job stands for, as when Redis lost its newest second. */
export async function startBullWorkers({ redisUrl, runner, records, concurrency, logger }: BullWorkersOptions): Promise<BullWorkers> {
  const connection = openWorkerRedis(redisUrl);
  let isDown = false;
  const onError = (error: Error): void => {
    if (!isDown) logger.warn({ err: error }, 'Redis does not answer; jobs go on when it does');
    isDown = true;
  };
  connection.on('error', onError).on('ready', () => (isDown = false));
  const queue = new BullImportQueue(connection, onError);
  const closed = new AbortController();
  const options: WorkerOptions = {
    connection, prefix: QUEUE_PREFIX, skipVersionCheck: true, lockDuration: JOB_LIMITS.lockMs, stalledInterval: JOB_LIMITS.lockMs,
    // A worker that dies is no fault of the chunk: another one always takes it up.
    maxStalledCount: JOB_LIMITS.chunkAttempts,
    settings: { backoffStrategy: (attempt: number) => backoffMs(attempt) },
  };
  const parents = new Worker<RunName>(IMPORT_QUEUE, (job, token) => stepImport(job, token ?? '', runner, queue), { ...options, concurrency: JOB_LIMITS.waveChunks });
  const children = new Worker<ChunkData>(CHUNK_QUEUE, async (job) => {
    const { chunk, ...name } = job.data;
    const attempt = job.attemptsMade + 1;
    if (job.name !== 'plan' && chunk === undefined) throw new UnrecoverableError('the job names no chunk');
    await (chunk === undefined ? runner.plan(name, attempt, closed.signal) : runner.chunk(name, chunk, attempt, closed.signal));
  }, { ...options, concurrency });
  for (const worker of [parents, children]) worker.on('error', onError);

  const sweep = async (): Promise<void> => {
    for (const { record, progress } of await records.active()) {
      if (!(await queue.isUnderWay({ id: record.id, run: progress.run }))) await queue.enqueue(record.id, progress.run);
    }
  };
  const sweeping = setInterval(() => void sweep().catch(onError), JOB_LIMITS.sweepMs);
  await Promise.all([parents.waitUntilReady(), children.waitUntilReady()]);
  return {
    depths: () => queue.depths(),
    async close() {
      clearInterval(sweeping);
      const giveUp = setTimeout(() => closed.abort(), JOB_LIMITS.closeMs);
      await Promise.all([parents.close(), children.close()]);
      clearTimeout(giveUp);
      closed.abort();
      await queue.close();
      connection.disconnect();
    },
  };
}

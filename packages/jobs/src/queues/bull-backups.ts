/**
 * Backups at fixed times, as a BullMQ job scheduler in Redis: however many workers there are, each time gives one job, and one of them takes it.
 *
 *   queue shoal-backups     {}     scheduler: backup
 */
import { Queue, Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { JOB_LIMITS } from '../limits.ts';
import { QUEUE_PREFIX, openWorkerRedis } from './bull-imports.ts';

export const BACKUP_QUEUE = 'shoal-backups';
const SCHEDULER = 'backup';
const KEPT = { age: JOB_LIMITS.keptJobSeconds, count: JOB_LIMITS.keptJobs };

export interface ScheduledBackupsOptions {
  readonly redisUrl: string;
  /** A cron pattern in UTC. */
  readonly pattern: string;
  /** Takes one backup; what it resolves with is shown with the job. */
  readonly take: (signal: AbortSignal) => Promise<object>;
  readonly logger: Logger;
}

export interface ScheduledBackups {
  /** Gives up the backup under way, which another worker then takes anew. */
  close(): Promise<void>;
}

/** The queue, also for those who only look at it. The connection belongs to whoever opened it. */
export function openBackupQueue(connection: Redis, onError: (error: Error) => void): Queue {
  const queue = new Queue(BACKUP_QUEUE, { connection, prefix: QUEUE_PREFIX, skipVersionCheck: true });
  queue.on('error', onError);
  return queue;
}

/** Takes part in the schedule. The newest worker to start says what the pattern is. Waits for Redis as long as it takes. */
export async function startScheduledBackups({ redisUrl, pattern, take, logger }: ScheduledBackupsOptions): Promise<ScheduledBackups> {
  const connection = openWorkerRedis(redisUrl);
  const onError = (error: Error): void => logger.debug({ err: error }, 'Redis');
  connection.on('error', onError);
  const queue = openBackupQueue(connection, onError);
  const closed = new AbortController();
  const work = async (job: Job): Promise<object> => {
    try {
      const taken = await take(closed.signal);
      logger.info({ job: job.id, ...taken }, 'backup taken');
      return taken;
    } catch (error) {
      logger.error({ err: error, job: job.id, attempt: job.attemptsMade + 1 }, 'a backup failed');
      throw error;
    }
  };
  const worker = new Worker(BACKUP_QUEUE, work, {
    connection, prefix: QUEUE_PREFIX, skipVersionCheck: true, concurrency: 1, lockDuration: JOB_LIMITS.lockMs, stalledInterval: JOB_LIMITS.lockMs, maxStalledCount: JOB_LIMITS.backupAttempts,
  });
  worker.on('error', onError);
  await worker.waitUntilReady();
  await queue.upsertJobScheduler(SCHEDULER, { pattern, tz: 'UTC' }, {
    name: 'backup', data: {},
    opts: { attempts: JOB_LIMITS.backupAttempts, backoff: { type: 'exponential', delay: JOB_LIMITS.backupBackoffMs }, removeOnComplete: KEPT, removeOnFail: KEPT, stackTraceLimit: 1 },
  });
  return {
    async close() {
      closed.abort(new Error('the worker closes'));
      await worker.close();
      await queue.close();
      connection.disconnect();
    },
  };
}

import { ImportRunner, RedisImportRecords, openWorkerRedis, startBullWorkers, startScheduledBackups, startThreadTasks } from '@shoal/jobs';
import type { Clock, Timers } from '@shoal/pacing';
import type { MetricFamily, Tracing } from '@shoal/telemetry';
import type { Logger } from 'pino';
import type { WorkerConfig } from './config.ts';
import { observeTasks } from './observed-tasks.ts';
import { QueueDepths } from './queue-depths.ts';
import { takeScheduledBackup } from './scheduled-backup.ts';
import { ThreadMeter } from './thread-meter.ts';

export interface WorkerDependencies {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Nothing is traced without it. */
  readonly tracing?: Tracing;
}

export interface RunningWorker {
  /** Why no job is taken now; undefined when jobs are taken. */
  notReady(): string | undefined;
  /** What it does, for those who scrape or export. */
  families(): readonly MetricFamily[];
  close(): Promise<void>;
}

/** Starts to take jobs from Redis; waits for Redis as long as it takes. Closes what it had opened when a later step fails. */
export async function startWorker(config: WorkerConfig, { clock, timers, logger, tracing }: WorkerDependencies): Promise<RunningWorker> {
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const redis = openWorkerRedis(config.redisUrl);
    redis.on('error', (error) => logger.debug({ err: error }, 'Redis'));
    const records = new RedisImportRecords(redis);
    closers.push(() => records.close());
    const threads = await startThreadTasks({ threadCount: config.threadCount });
    const tasks = observeTasks(threads, tracing);
    closers.push(() => tasks.close());
    const runner = new ImportRunner({ records, tasks, policy: config.sources, gatewayUrls: config.gatewayUrls, clock, timers, logger });
    const workers = await startBullWorkers({ redisUrl: config.redisUrl, runner, records, concurrency: config.threadCount, logger });
    closers.push(() => workers.close());
    const depths = new QueueDepths({ workers, timers, logger });
    closers.push(() => depths.close());
    const { backups, redisUrl } = config;
    if (backups !== undefined) {
      const scheduled = await startScheduledBackups({ redisUrl, pattern: backups.pattern, logger, take: (signal) => takeScheduledBackup(config, backups, clock, signal) });
      closers.push(() => scheduled.close());
    }
    logger.info({ threads: config.threadCount }, 'the worker takes jobs');
    const meter = new ThreadMeter(threads);
    return { notReady: () => (redis.status === 'ready' ? undefined : 'Redis does not answer'), families: () => [...tasks.families(), ...depths.families(), ...meter.families()], close };
  } catch (error) {
    await close();
    throw error;
  }
}

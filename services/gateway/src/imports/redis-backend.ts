import { BullImportQueue, RedisImportRecords, openBackupQueue, openProducerRedis } from '@shoal/jobs';
import type { Logger } from 'pino';
import type { ImportBackend } from './import-service.ts';

export interface RedisImportBackend extends ImportBackend {
  readonly queue: BullImportQueue;
  close(): Promise<void>;
}

/** Imports that workers run; comes and goes with Redis, and never keeps the gateway waiting for it. */
export function openImportBackend(redisUrl: string, logger: Logger): RedisImportBackend {
  const redis = openProducerRedis(redisUrl);
  let isDown = false;
  const onError = (error: Error): void => {
    if (!isDown) logger.warn({ err: error }, 'Redis does not answer; no imports are taken until it does');
    isDown = true;
  };
  redis.on('error', onError).on('ready', () => (isDown = false));
  const queue = new BullImportQueue(redis, onError);
  const backups = openBackupQueue(redis, onError);
  return {
    records: new RedisImportRecords(redis),
    queue,
    jobQueues: [queue.imports, queue.chunks, backups],
    async close() {
      await queue.close();
      await backups.close();
      redis.disconnect();
    },
  };
}

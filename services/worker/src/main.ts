import { systemTimers } from '@shoal/pacing';
import { runProcess } from '@shoal/process';
import { pino } from 'pino';
import { parseWorkerConfig } from './config.ts';
import { startWorker } from './worker.ts';

await runProcess('shoal worker', async () => {
  const config = parseWorkerConfig(process.env);
  const logger = pino({ level: config.logLevel, base: { service: 'worker' } });
  const worker = await startWorker(config, { clock: { nowMs: Date.now }, timers: systemTimers, logger });
  return {
    async close() {
      logger.info('closing');
      await worker.close();
    },
  };
});

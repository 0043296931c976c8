import { randomBytes } from 'node:crypto';
import { systemTimers } from '@shoal/pacing';
import { VERSION, runProcess, withSecretFiles } from '@shoal/process';
import { ProcessTelemetry, listenForScrapes } from '@shoal/telemetry';
import { pino } from 'pino';
import { parseWorkerConfig } from './config.ts';
import { startWorker } from './worker.ts';

await runProcess('shoal worker', async () => {
  const config = parseWorkerConfig(withSecretFiles(process.env));
  const logger = pino({ level: config.logLevel, base: { service: 'worker' } });
  const worker = await startWorker(config, { clock: { nowMs: Date.now }, timers: systemTimers, logger });
  const { metrics } = config;
  const telemetry = new ProcessTelemetry({ instance: randomBytes(8).toString('hex'), startedAtMs: Date.now(), version: VERSION }, metrics);
  const listener = metrics.listen === undefined ? undefined : await listenForScrapes({ ...metrics.listen, telemetry, nowMs: Date.now, notReady: () => worker.notReady() });
  if (listener !== undefined) logger.info({ url: listener.url }, 'metrics are served');
  return {
    async close() {
      logger.info('closing');
      await listener?.close();
      await worker.close();
      telemetry.close();
    },
  };
});

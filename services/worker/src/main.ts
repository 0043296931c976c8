import { randomBytes } from 'node:crypto';
import { systemTimers } from '@shoal/pacing';
import { VERSION, runProcess, withSecretFiles } from '@shoal/process';
import { ProcessTelemetry, listenForScrapes, openOtlpExport, openServiceLog } from '@shoal/telemetry';
import { parseWorkerConfig } from './config.ts';
import { startWorker } from './worker.ts';

await runProcess('shoal worker', async () => {
  const config = parseWorkerConfig(withSecretFiles(process.env));
  const { metrics } = config;
  const { logger, sendTo } = openServiceLog({ level: config.logLevel, base: { service: 'worker' }, otlp: metrics.otlp });
  const telemetry = new ProcessTelemetry({ instance: randomBytes(8).toString('hex'), startedAtMs: Date.now(), version: VERSION }, metrics);
  const otlp = await openOtlpExport(metrics.otlp, { service: 'worker', telemetry, nowMs: Date.now, onFailure: (message) => logger.warn({ otlp: message }, 'telemetry could not be sent') });
  sendTo(otlp);
  const worker = await startWorker(config, { clock: { nowMs: Date.now }, timers: systemTimers, logger, ...(otlp === undefined ? {} : { tracing: otlp.tracing }) });
  telemetry.addSource(() => worker.families());
  const listener = metrics.listen === undefined ? undefined : await listenForScrapes({ ...metrics.listen, telemetry, nowMs: Date.now, notReady: () => worker.notReady() });
  if (listener !== undefined) logger.info({ url: listener.url }, 'metrics are served');
  return {
    async close() {
      logger.info('closing');
      await listener?.close();
      await worker.close();
      await otlp?.close();
      telemetry.close();
    },
  };
});

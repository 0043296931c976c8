import { randomBytes } from 'node:crypto';
import { connectNatsBus } from '@shoal/bus';
import { systemThreadTime } from '@shoal/index';
import { systemTimers } from '@shoal/pacing';
import { VERSION, runProcess, withSecretFiles } from '@shoal/process';
import { ProcessTelemetry, ReportPublisher, listenForScrapes, openOtlpExport, openServiceLog } from '@shoal/telemetry';
import { parseShardEnvironment } from './config.ts';
import { startPlacedShard } from './placed-shard.ts';
import { startShard } from './shard.ts';

const CONNECT_TIMEOUT_MS = 15_000;

await runProcess('shoal shard', async () => {
  const config = parseShardEnvironment(withSecretFiles(process.env));
  const { nats, slots, streams, shard: name, metrics } = config;
  const { logger, sendTo } = openServiceLog({ level: config.logLevel, base: { service: 'shard', shard: name }, otlp: metrics.otlp });
  const bus = await connectNatsBus({ ...nats, slots, streams, timeoutMs: CONNECT_TIMEOUT_MS, name: `shoal-${name}` });
  const telemetry = new ProcessTelemetry({ instance: randomBytes(8).toString('hex'), startedAtMs: Date.now(), version: VERSION }, metrics);
  const otlp = await openOtlpExport(metrics.otlp, { service: 'shard', telemetry, nowMs: Date.now, onFailure: (message) => logger.warn({ otlp: message }, 'telemetry could not be sent') });
  sendTo(otlp);
  // Does not jump when the system's clock is set.
  const nowMs = (): number => Math.round(performance.timeOrigin + performance.now());
  const dependencies = { bus, logger, timers: systemTimers, nowMs, version: VERSION, telemetry, elapsedMs: () => performance.now(), threadTime: systemThreadTime(), ...(otlp === undefined ? {} : { tracing: otlp.tracing }) };
  const shard = await (config.ownedSlots === undefined ? startPlacedShard(config, config.placement, dependencies) : startShard(config, dependencies));
  const notReady = (): string | undefined => (shard.status().slots.every(({ ready }) => ready) ? undefined : 'some slots are not ready');
  const publisher = ReportPublisher.start({ telemetry, channel: bus.requests, timers: systemTimers, onFailure: (error) => logger.warn({ err: error }, 'metrics could not be announced') });
  const listener = metrics.listen === undefined ? undefined : await listenForScrapes({ ...metrics.listen, telemetry, nowMs: Date.now, notReady });
  if (listener !== undefined) logger.info({ url: listener.url }, 'metrics are served');
  logger.info({ slots: config.ownedSlots?.length ?? 'by the map', bus: bus.description }, 'shard started');
  return {
    failed: shard.failed,
    async close() {
      logger.info('closing');
      await listener?.close();
      await shard.close();
      await publisher.close();
      await bus.close();
      await otlp?.close();
      telemetry.close();
    },
  };
});

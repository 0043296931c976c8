import { randomBytes } from 'node:crypto';
import { connectNatsBus } from '@shoal/bus';
import { systemThreadTime } from '@shoal/index';
import { systemTimers } from '@shoal/pacing';
import { START_TIMEOUT_MS, VERSION, runProcess, startUntil, withSecretFiles, type RunningService, type StartTry } from '@shoal/process';
import type { ShoalError } from '@shoal/protocol';
import { ProcessTelemetry, ReportPublisher, listenForScrapes, openOtlpExport, openServiceLog, type ServiceLog } from '@shoal/telemetry';
import { parseShardEnvironment, type ShardProcessConfig } from './config.ts';
import { startPlacedShard } from './placed-shard.ts';
import { startShard } from './shard.ts';

await runProcess('shoal shard', async (signal) => {
  const config = parseShardEnvironment(withSecretFiles(process.env));
  const log = openServiceLog({ level: config.logLevel, base: { service: 'shard', shard: config.shard }, otlp: config.metrics.otlp });
  const onRetry = (error: ShoalError): void => log.logger.warn({ err: error }, 'the shard cannot start yet; it is tried again');
  return startUntil({ timeoutMs: START_TIMEOUT_MS, signal, timers: systemTimers, elapsedMs: () => performance.now(), onRetry }, (attempt) => open(config, log, attempt));
});

async function open(config: ShardProcessConfig, { logger, sendTo }: ServiceLog, { opened, remainingMs, signal, onRetry }: StartTry): Promise<RunningService> {
  const { nats, slots, streams, shard: name, metrics } = config;
  const telemetry = opened.keep(new ProcessTelemetry({ instance: randomBytes(8).toString('hex'), startedAtMs: Date.now(), version: VERSION }, metrics), (each) => each.close());
  const otlp = opened.keep(
    await openOtlpExport(metrics.otlp, { service: 'shard', telemetry, nowMs: Date.now, onFailure: (message) => logger.warn({ otlp: message }, 'telemetry could not be sent') }),
    (each) => each?.close(),
  );
  sendTo(otlp);
  const bus = opened.keep(await connectNatsBus({ ...nats, slots, streams, timeoutMs: remainingMs, name: `shoal-${name}`, signal, onRetry }), (each) => each.close());
  opened.keep(
    ReportPublisher.start({ telemetry, channel: bus.requests, timers: systemTimers, onFailure: (error) => logger.warn({ err: error }, 'metrics could not be announced') }),
    (each) => each.close(),
  );
  // Does not jump when the system's clock is set.
  const nowMs = (): number => Math.round(performance.timeOrigin + performance.now());
  const dependencies = { bus, logger, timers: systemTimers, nowMs, version: VERSION, telemetry, elapsedMs: () => performance.now(), threadTime: systemThreadTime(), ...(otlp === undefined ? {} : { tracing: otlp.tracing }) };
  const shard = opened.keep(await (config.ownedSlots === undefined ? startPlacedShard(config, config.placement, dependencies) : startShard(config, dependencies)), (each) => each.close());
  const notReady = (): string | undefined => (shard.status().slots.every(({ ready }) => ready) ? undefined : 'some slots are not ready');
  const listener = opened.keep(metrics.listen === undefined ? undefined : await listenForScrapes({ ...metrics.listen, telemetry, nowMs: Date.now, notReady }), (each) => each?.close());
  if (listener !== undefined) logger.info({ url: listener.url }, 'metrics are served');
  logger.info({ slots: config.ownedSlots?.length ?? 'by the map', bus: bus.description }, 'shard started');
  return {
    failed: shard.failed,
    async close() {
      logger.info('closing');
      await opened.close();
    },
  };
}

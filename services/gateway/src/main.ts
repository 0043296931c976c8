import { randomBytes } from 'node:crypto';
import { connectNatsBus } from '@shoal/bus';
import { systemTimers } from '@shoal/pacing';
import { PlacementController } from '@shoal/placement';
import { START_TIMEOUT_MS, VERSION, runProcess, startUntil, withSecretFiles, type RunningService, type StartTry } from '@shoal/process';
import { parseOperationId, type ShoalError } from '@shoal/protocol';
import { ProcessTelemetry, ReportPublisher, listenForScrapes, openOtlpExport, openServiceLog, type ServiceLog } from '@shoal/telemetry';
import { parseGatewayConfig, type GatewayServiceConfig } from './config.ts';
import { startGateway } from './gateway.ts';
import { openImportBackend } from './imports/redis-backend.ts';
import { openRateStore } from './tenancy/rate-store.ts';

await runProcess('shoal gateway', async (signal) => {
  const config = parseGatewayConfig(withSecretFiles(process.env));
  const log = openServiceLog({ level: config.logLevel, base: { service: 'gateway' }, otlp: config.metrics.otlp });
  const onRetry = (error: ShoalError): void => log.logger.warn({ err: error }, 'the gateway cannot start yet; it is tried again');
  return startUntil({ timeoutMs: START_TIMEOUT_MS, signal, timers: systemTimers, elapsedMs: () => performance.now(), onRetry }, (attempt) => open(config, log, attempt));
});

async function open(settings: GatewayServiceConfig, { logger, sendTo }: ServiceLog, { opened, remainingMs, signal, onRetry }: StartTry): Promise<RunningService> {
  const { gateway: config, nats, streams, replicas, redisUrl, metrics } = settings;
  const telemetry = opened.keep(new ProcessTelemetry({ instance: randomBytes(8).toString('hex'), startedAtMs: Date.now(), version: VERSION }, metrics), (each) => each.close());
  const otlp = opened.keep(
    await openOtlpExport(metrics.otlp, { service: 'gateway', telemetry, nowMs: Date.now, onFailure: (message) => logger.warn({ otlp: message }, 'telemetry could not be sent') }),
    (each) => each?.close(),
  );
  sendTo(otlp);
  const bus = opened.keep(await connectNatsBus({ ...nats, slots: config.slots, streams, timeoutMs: remainingMs, name: 'shoal-gateway', signal, onRetry }), (each) => each.close());
  const imports = opened.keep(redisUrl === undefined ? undefined : openImportBackend(redisUrl, logger), (each) => each?.close());
  const redis = opened.keep(redisUrl === undefined ? undefined : openRateStore(redisUrl, logger), (each) => each?.disconnect());
  opened.keep(
    ReportPublisher.start({ telemetry, channel: bus.requests, timers: systemTimers, onFailure: (error) => logger.warn({ err: error }, 'metrics could not be announced') }),
    (each) => each.close(),
  );
  const gateway = opened.keep(await startGateway(config, {
    bus,
    logger,
    telemetry,
    ...(otlp === undefined ? {} : { tracing: otlp.tracing }),
    // Does not jump when the system's clock is set.
    clock: { nowMs: () => performance.timeOrigin + performance.now() },
    newOperationId: () => parseOperationId(randomBytes(16).toString('hex')),
    ...(redis === undefined ? {} : { redis }),
    ...(imports === undefined ? {} : { imports }),
  }), (each) => each.close());
  const controller = opened.keep(new PlacementController({ bus, replicas, holder: `gateway ${randomBytes(16).toString('hex')}`, timers: systemTimers, logger }), (each) => each.close());
  await controller.start();
  const listener = opened.keep(metrics.listen === undefined ? undefined : await listenForScrapes({ ...metrics.listen, telemetry, nowMs: Date.now, notReady: () => gateway.notReady() }), (each) => each?.close());
  if (listener !== undefined) logger.info({ url: listener.url }, 'metrics are served');
  return {
    reload: () => gateway.reloadTls(),
    async close() {
      logger.info('closing');
      await opened.close();
    },
  };
}

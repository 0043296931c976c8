import { randomBytes } from 'node:crypto';
import { connectNatsBus } from '@shoal/bus';
import { systemTimers } from '@shoal/pacing';
import { PlacementController } from '@shoal/placement';
import { VERSION, runProcess, withSecretFiles } from '@shoal/process';
import { parseOperationId } from '@shoal/protocol';
import { ProcessTelemetry, ReportPublisher, listenForScrapes, openOtlpExport, openServiceLog } from '@shoal/telemetry';
import { parseGatewayConfig } from './config.ts';
import { startGateway } from './gateway.ts';
import { openImportBackend } from './imports/redis-backend.ts';
import { openRateStore } from './tenancy/rate-store.ts';

const CONNECT_TIMEOUT_MS = 15_000;

await runProcess('shoal gateway', async () => {
  const { gateway: config, nats, streams, replicas, redisUrl, logLevel, metrics } = parseGatewayConfig(withSecretFiles(process.env));
  const { logger, sendTo } = openServiceLog({ level: logLevel, base: { service: 'gateway' }, otlp: metrics.otlp });
  const bus = await connectNatsBus({ ...nats, slots: config.slots, streams, timeoutMs: CONNECT_TIMEOUT_MS, name: 'shoal-gateway' });
  const redis = redisUrl === undefined ? undefined : openRateStore(redisUrl, logger);
  const telemetry = new ProcessTelemetry({ instance: randomBytes(8).toString('hex'), startedAtMs: Date.now(), version: VERSION }, metrics);
  const otlp = await openOtlpExport(metrics.otlp, { service: 'gateway', telemetry, nowMs: Date.now, onFailure: (message) => logger.warn({ otlp: message }, 'telemetry could not be sent') });
  sendTo(otlp);
  const imports = redisUrl === undefined ? undefined : openImportBackend(redisUrl, logger);
  const gateway = await startGateway(config, {
    bus,
    logger,
    telemetry,
    ...(otlp === undefined ? {} : { tracing: otlp.tracing }),
    // Does not jump when the system's clock is set.
    clock: { nowMs: () => performance.timeOrigin + performance.now() },
    newOperationId: () => parseOperationId(randomBytes(16).toString('hex')),
    ...(redis === undefined ? {} : { redis }),
    ...(imports === undefined ? {} : { imports }),
  });
  const publisher = ReportPublisher.start({ telemetry, channel: bus.requests, timers: systemTimers, onFailure: (error) => logger.warn({ err: error }, 'metrics could not be announced') });
  const listener = metrics.listen === undefined ? undefined : await listenForScrapes({ ...metrics.listen, telemetry, nowMs: Date.now, notReady: () => gateway.notReady() });
  if (listener !== undefined) logger.info({ url: listener.url }, 'metrics are served');
  const controller = new PlacementController({ bus, replicas, holder: `gateway ${randomBytes(16).toString('hex')}`, timers: systemTimers, logger });
  await controller.start();
  return {
    reload: () => gateway.reloadTls(),
    async close() {
      logger.info('closing');
      await listener?.close();
      await controller.close();
      await gateway.close();
      await publisher.close();
      redis?.disconnect();
      await imports?.close();
      await bus.close();
      await otlp?.close();
      telemetry.close();
    },
  };
});

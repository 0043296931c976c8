import { randomBytes } from 'node:crypto';
import { connectNatsBus } from '@shoal/bus';
import { VERSION, runProcess, withSecretFiles } from '@shoal/process';
import { ProcessTelemetry, listenForScrapes } from '@shoal/telemetry';
import { pino } from 'pino';
import { parseShardEnvironment } from './config.ts';
import { startShard } from './shard.ts';
import { systemTimers } from '@shoal/pacing';

const CONNECT_TIMEOUT_MS = 15_000;

await runProcess('shoal shard', async () => {
  const config = parseShardEnvironment(withSecretFiles(process.env));
  const { nats, slots, streams, shard: name, metrics } = config;
  const logger = pino({ level: config.logLevel, base: { service: 'shard', shard: name } });
  const bus = await connectNatsBus({ ...nats, slots, streams, timeoutMs: CONNECT_TIMEOUT_MS, name: `shoal-${name}` });
  const telemetry = new ProcessTelemetry({ instance: randomBytes(8).toString('hex'), startedAtMs: Date.now(), version: VERSION }, metrics);
  const shard = await startShard(config, { bus, logger, timers: systemTimers, nowMs: Date.now, version: VERSION, telemetry, elapsedMs: () => performance.now() });
  const notReady = (): string | undefined => (shard.status().slots.every(({ ready }) => ready) ? undefined : 'some slots are not ready');
  const listener = metrics.listen === undefined ? undefined : await listenForScrapes({ ...metrics.listen, telemetry, nowMs: Date.now, notReady });
  if (listener !== undefined) logger.info({ url: listener.url }, 'metrics are served');
  logger.info({ slots: config.ownedSlots.length, bus: bus.description }, 'shard started');
  return {
    failed: shard.failed,
    async close() {
      logger.info('closing');
      await listener?.close();
      await shard.close();
      await bus.close();
      telemetry.close();
    },
  };
});

import { connectNatsBus } from '@shoal/bus';
import { VERSION, runProcess } from '@shoal/process';
import { pino } from 'pino';
import { parseShardEnvironment } from './config.ts';
import { startShard } from './shard.ts';
import { systemTimers } from '@shoal/pacing';

const CONNECT_TIMEOUT_MS = 15_000;

await runProcess('shoal shard', async () => {
  const config = parseShardEnvironment(process.env);
  const { nats, slots, streams, shard: name } = config;
  const logger = pino({ level: config.logLevel, base: { service: 'shard', shard: name } });
  const bus = await connectNatsBus({ ...nats, slots, streams, timeoutMs: CONNECT_TIMEOUT_MS, name: `shoal-${name}` });
  const shard = await startShard(config, { bus, logger, timers: systemTimers, nowMs: Date.now, version: VERSION });
  logger.info({ slots: config.ownedSlots.length, bus: bus.description }, 'shard started');
  return {
    failed: shard.failed,
    async close() {
      logger.info('closing');
      await shard.close();
      await bus.close();
    },
  };
});

import { connectNatsBus } from '@shoal/bus';
import { ShoalError } from '@shoal/protocol';
import { pino } from 'pino';
import { parseShardEnvironment } from './config.ts';
import { endBySignal } from './end-by-signal.ts';
import { startShard } from './shard.ts';
import { systemTimers } from './system-timers.ts';
import { VERSION } from './version.ts';

async function main(): Promise<void> {
  const config = parseShardEnvironment(process.env);
  const logger = pino({ level: config.logLevel, base: { service: 'shard', shard: config.shard } });
  const bus = await connectNatsBus({ servers: config.natsUrl, slots: config.slots, streams: config.streams, timeoutMs: 15_000, name: `shoal-${config.shard}` });
  const shard = await startShard(config, { bus, logger, timers: systemTimers, nowMs: Date.now, version: VERSION });
  logger.info({ slots: config.ownedSlots.length, bus: bus.description }, 'shard started');
  await endBySignal(logger, async () => {
    await shard.close();
    await bus.close();
  });
}

main().catch((error: unknown) => {
  // An operating error is one sentence for the operator; anything else is a defect and shows where it came from.
  console.error(error instanceof ShoalError ? `shoal shard: ${error.message} (${error.code})` : error);
  process.exit(1);
});

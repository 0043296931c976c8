import { randomBytes } from 'node:crypto';
import { connectNatsBus } from '@shoal/bus';
import { ShoalError, parseOperationId } from '@shoal/protocol';
import { pino, type Logger } from 'pino';
import { parseGatewayConfig } from './config.ts';
import { startGateway } from './gateway.ts';
import { GATEWAY_LIMITS } from './limits.ts';

const CONNECT_TIMEOUT_MS = 15_000;

async function main(): Promise<void> {
  // Signals count from the first moment, so that ctrl-C while connecting ends the process too.
  const ended = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  const config = parseGatewayConfig(process.env);
  const logger = pino({ level: config.logLevel, base: { service: 'gateway' } });
  const bus = await connectNatsBus({
    servers: config.natsUrl, slots: config.gateway.slots, streams: config.streams, timeoutMs: CONNECT_TIMEOUT_MS, name: 'shoal-gateway',
  });
  const gateway = await startGateway(config.gateway, {
    bus,
    logger,
    // Does not jump when the system's clock is set.
    clock: { nowMs: () => performance.timeOrigin + performance.now() },
    newOperationId: () => parseOperationId(randomBytes(16).toString('hex')),
  });
  const signal = await ended;
  logger.info({ signal }, 'closing');
  await endWithDeadline(logger, async () => {
    await gateway.close();
    await bus.close();
  });
}

async function endWithDeadline(logger: Logger, close: () => Promise<void>): Promise<never> {
  const timeoutMs = GATEWAY_LIMITS.processEndTimeoutMs;
  setTimeout(() => {
    logger.error({ timeoutMs }, 'closing took too long');
    process.exit(1);
  }, timeoutMs).unref();
  await close();
  process.exit(0);
}

main().catch((error: unknown) => {
  // An operating error is one sentence for the operator; anything else is a defect and shows where it came from.
  console.error(error instanceof ShoalError ? `shoal gateway: ${error.message} (${error.code})` : error);
  process.exit(1);
});

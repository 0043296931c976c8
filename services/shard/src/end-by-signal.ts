import type { Logger } from 'pino';
import { SHARD_LIMITS } from './limits.ts';

/** Waits for SIGINT or SIGTERM, closes in order, and ends the process: with 1 when closing failed or took too long. */
export async function endBySignal(logger: Logger, close: () => Promise<void>): Promise<never> {
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  logger.info({ signal }, 'closing');
  const deadline = setTimeout(() => {
    logger.error({ timeoutMs: SHARD_LIMITS.closeTimeoutMs }, 'closing took too long');
    process.exit(1);
  }, SHARD_LIMITS.closeTimeoutMs);
  deadline.unref();
  try {
    await close();
    process.exit(0);
  } catch (error) {
    logger.error({ err: error }, 'closing failed');
    process.exit(1);
  }
}

import { ShoalError, setting, type Environment } from '@shoal/protocol';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { GATEWAY_LIMITS } from '../limits.ts';

/** SHOAL_REDIS_URL; undefined when it is not set. Throws `invalid_configuration`. */
export function parseRedisUrl(environment: Environment): string | undefined {
  const text = setting(environment, 'SHOAL_REDIS_URL');
  if (text === undefined) return undefined;
  const protocol = URL.parse(text)?.protocol;
  // It may hold a password: the message leaves it out.
  if (protocol !== 'redis:' && protocol !== 'rediss:') {
    throw new ShoalError('invalid_configuration', 'SHOAL_REDIS_URL is "…"; it must be an address such as redis://127.0.0.1:6379.', { field: 'SHOAL_REDIS_URL' });
  }
  return text;
}

/**
 * The connection over which gateways count rates together. It comes and goes by itself: nothing waits for it for longer than
 * GATEWAY_LIMITS.redisTimeoutMs, and nothing is queued while it is down.
 */
export function openRateStore(url: string, logger: Logger): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: GATEWAY_LIMITS.redisTimeoutMs,
    connectTimeout: GATEWAY_LIMITS.redisConnectMs,
    retryStrategy: (attempt) => Math.min(attempt * 100, GATEWAY_LIMITS.redisConnectMs),
  });
  let isDown = false;
  redis.on('ready', () => {
    if (isDown) logger.info('rates are counted together again');
    isDown = false;
  });
  redis.on('error', (error: Error) => {
    if (!isDown) logger.warn({ err: error }, 'Redis does not answer; this gateway counts rates for itself until it does');
    isDown = true;
  });
  return redis;
}

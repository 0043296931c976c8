import { ShoalError, type TenantId } from '@shoal/protocol';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import { GATEWAY_LIMITS } from '../limits.ts';

type RateName = 'requestsPerSecond' | 'vectorsPerSecond';

export interface TenantRatesOptions {
  /** Where gateways of a cluster count together; each counts for itself without one, and while it does not answer. */
  readonly redis?: Redis;
  readonly logger: Logger;
}

/**
 * Requests and vectors per second of each tenant.
 *
 * Invariants:
 * 1. In each window of one second, begun by its first request, a tenant gets its rate. A request of more vectors than that is let through at the
 *    beginning of a window, and the tenant then waits for as many seconds as the request is worth.
 * 2. Redis is waited for at most GATEWAY_LIMITS.redisTimeoutMs (set on the connection). When it does not answer, this gateway counts for itself: the
 *    tenant may then reach its rate once per gateway, and no request fails.
 */
export class TenantRates {
  readonly #options: TenantRatesOptions;
  /** One limiter per kind and rate: tenants of equal quotas share it, under keys of their own. */
  readonly #limiters = new Map<string, RateLimiterAbstract>();

  constructor(options: TenantRatesOptions) {
    this.#options = options;
  }

  /** Throws `rate_limited` with the time to wait. */
  async take(tenant: TenantId, name: RateName, perSecond: number | undefined, count: number): Promise<void> {
    if (perSecond === undefined || count === 0) return;
    if (perSecond === 0) throw limited(name, perSecond, 60_000);
    const limiter = this.#limiter(name, perSecond);
    try {
      await limiter.consume(tenant, Math.min(count, perSecond));
    } catch (reason) {
      if (reason instanceof RateLimiterRes) throw limited(name, perSecond, reason.msBeforeNext);
      this.#options.logger.warn({ err: reason }, 'a rate could not be counted; the request is let through');
      return;
    }
    if (count > perSecond) await limiter.block(tenant, Math.ceil(count / perSecond));
  }

  #limiter(name: RateName, perSecond: number): RateLimiterAbstract {
    const key = `${name}:${perSecond}`;
    const known = this.#limiters.get(key);
    if (known !== undefined) return known;
    const limiter = this.#newLimiter(`shoal:rate:${key}`, perSecond);
    const oldest = this.#limiters.keys().next();
    if (this.#limiters.size >= GATEWAY_LIMITS.rateLimiters && oldest.done !== true) this.#limiters.delete(oldest.value);
    this.#limiters.set(key, limiter);
    return limiter;
  }

  #newLimiter(keyPrefix: string, points: number): RateLimiterAbstract {
    const own = new RateLimiterMemory({ keyPrefix, points, duration: 1 });
    const { redis } = this.#options;
    if (redis === undefined) return own;
    return new RateLimiterRedis({ storeClient: redis, keyPrefix, points, duration: 1, insuranceLimiter: own, rejectIfRedisNotReady: true, inMemoryBlockOnConsumed: points + 1 });
  }
}

function limited(name: RateName, perSecond: number, waitMs: number): ShoalError {
  const what = name === 'requestsPerSecond' ? 'requests' : 'vectors';
  return new ShoalError('rate_limited', `The tenant may send ${perSecond} ${what} per second.`, { limit: perSecond, retryAfterMs: Math.max(1, waitMs) });
}

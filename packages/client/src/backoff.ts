import { CLIENT_LIMITS } from './limits.ts';

/**
 * How long to wait before attempt `attempt` + 1 (attempts count from 1): exponential with full jitter (Brooker, "Exponential
 * Backoff And Jitter", AWS 2015), and never less than what the server asked for.
 */
export function backoffMs(attempt: number, random: () => number, retryAfterMs = 0): number {
  const ceilingMs = Math.min(CLIENT_LIMITS.maximumBackoffMs, CLIENT_LIMITS.firstBackoffMs * 2 ** (attempt - 1));
  return Math.max(retryAfterMs, Math.floor(random() * ceilingMs));
}

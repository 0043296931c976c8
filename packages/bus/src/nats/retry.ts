import { BUS_LIMITS } from '../limits.ts';
import { pause } from '../pause.ts';

/** The pause before attempt number `attempt` (from 0) is repeated: doubles, up to a bound. */
export function backoffMs(attempt: number): number {
  return Math.min(BUS_LIMITS.retryMs * 2 ** attempt, BUS_LIMITS.retryMaxMs);
}

/** The value, or undefined when it takes longer than `timeoutMs`; never rejects. For steps of closing that may fail. */
export async function settled<Value>(promise: Promise<Value>, timeoutMs: number): Promise<Value | undefined> {
  const controller = new AbortController();
  try {
    return await Promise.race([promise, pause(timeoutMs, controller.signal).then(() => undefined)]);
  } catch {
    return undefined;
  } finally {
    controller.abort();
  }
}

/** Settles like `work`, or rejects with the signal's reason as soon as that aborts. */
export async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

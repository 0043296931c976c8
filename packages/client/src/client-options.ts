import { randomUUID } from 'node:crypto';
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import { ShoalError, parseTenantId } from '@shoal/protocol';
import { CLIENT_LIMITS } from './limits.ts';

export interface ShoalClientOptions {
  /**
   * Base address of a gateway, such as `http://127.0.0.1:7700`. A path before `/v1` is kept. Of several, the first is asked as long as it answers;
   * what it fails to answer, or an attempt during which it stops giving signs of life, goes to the next.
   */
  readonly url: string | readonly string[];
  /** May be undefined, so that a variable of the environment can be passed on as it is. */
  readonly apiKey?: string | undefined;
  /** Only with the root key: the tenant to speak for, instead of the default one. */
  readonly tenant?: string | undefined;
  /** Time for one call with all its retries, milliseconds; 30,000 by default. */
  readonly timeoutMs?: number;
  /** Further attempts after a retryable error or a failed connection; 5 by default, 0 for none. */
  readonly retries?: number;
  readonly fetch?: typeof globalThis.fetch;
  /** Uniform in [0, 1), for the jitter between attempts. */
  readonly random?: () => number;
  /** Time of day in milliseconds since 1970. */
  readonly now?: () => number;
  /** Names a write, so that it takes effect once however often it is sent; a UUID by default. */
  readonly newId?: () => string;
  /** Resolves after a time, or rejects with the signal's reason. */
  readonly wait?: (durationMs: number, signal?: AbortSignal) => Promise<void>;
}

export interface ClientSettings extends Required<Omit<ShoalClientOptions, 'apiKey' | 'tenant' | 'url'>> {
  readonly urls: readonly string[];
  readonly apiKey: string | undefined;
  readonly tenant: string | undefined;
}

/** Options of a single call. */
export interface CallOptions {
  /** Time for this call with all its retries, milliseconds. */
  readonly timeoutMs?: number;
  /** Ends the call with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Options of a call that writes. */
export interface WriteCallOptions extends CallOptions {
  /**
   * Names the write beyond this call: sent again with the same key and content, by any process, it takes effect once. Each call has a key of its
   * own otherwise. A write that is cut into several requests gives each of them this key with its number behind it.
   */
  readonly idempotencyKey?: string;
}

function parseUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new ShoalError('invalid_field', `url must be an http or https address, not "${text}".`, { field: 'url' });
  }
  if (url.username !== '' || url.password !== '') {
    throw new ShoalError('invalid_field', 'url must not contain a user name or password; use apiKey.', { field: 'url' });
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function parseUrls(url: string | readonly string[]): readonly string[] {
  const urls = typeof url === 'string' ? [url] : url;
  if (urls.length === 0 || urls.length > CLIENT_LIMITS.maximumUrls) {
    throw new ShoalError('invalid_field', `url must be 1 to ${CLIENT_LIMITS.maximumUrls} addresses.`, { field: 'url', limit: CLIENT_LIMITS.maximumUrls });
  }
  return urls.map(parseUrl);
}

function parseApiKey(apiKey: string | undefined): string | undefined {
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new ShoalError('invalid_field', 'apiKey must be printable ASCII without spaces.', { field: 'apiKey' });
  }
  return apiKey;
}

export function parseWhole(value: number, field: string, minimum: number, maximum: number): number {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new ShoalError('invalid_field', `${field} must be a whole number from ${minimum} to ${maximum}, not ${value}.`, { field, limit: maximum });
  }
  return value;
}

export function parseTimeoutMs(value: number): number {
  return parseWhole(value, 'timeoutMs', 1, CLIENT_LIMITS.maximumTimeoutMs);
}

/** Rejects with the signal's own reason, not with the AbortError that the timer would give. */
async function wait(durationMs: number, signal?: AbortSignal): Promise<void> {
  try {
    await setTimeoutPromise(durationMs, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Checks the options and fills in the defaults; throws `invalid_field`. */
export function parseClientOptions(options: ShoalClientOptions): ClientSettings {
  return {
    urls: parseUrls(options.url),
    apiKey: parseApiKey(options.apiKey),
    tenant: options.tenant === undefined ? undefined : parseTenantId(options.tenant),
    timeoutMs: parseTimeoutMs(options.timeoutMs ?? CLIENT_LIMITS.defaultTimeoutMs),
    retries: parseWhole(options.retries ?? CLIENT_LIMITS.defaultRetries, 'retries', 0, CLIENT_LIMITS.maximumRetries),
    fetch: options.fetch ?? globalThis.fetch,
    random: options.random ?? Math.random,
    now: options.now ?? Date.now,
    newId: options.newId ?? randomUUID,
    wait: options.wait ?? wait,
  };
}

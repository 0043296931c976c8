/** One call over HTTP: a deadline over all its attempts, retries with backoff, and errors as ShoalClientError. */
import { backoffMs } from './backoff.ts';
import { ShoalClientError } from './client-error.ts';
import { parseTimeoutMs, type ClientSettings, type WriteCallOptions } from './client-options.ts';
import { GatewayChoice, watchGateway } from './gateway-choice.ts';
import { CLIENT_LIMITS } from './limits.ts';
import { linkSignals } from './linked-signal.ts';
import { errorOfResponse } from './problem.ts';

export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From the root of the API, beginning with a slash, already encoded. */
  readonly path: string;
  readonly body?: { readonly mediaType: string; readonly content: string | Uint8Array<ArrayBuffer> };
  /** False for a call that is a question about the present, such as a probe. */
  readonly retry?: boolean;
  /** True for a write: all attempts carry one Idempotency-Key, so that it takes effect once however often it is sent. */
  readonly once?: boolean;
}

/** Both signals of a call: the caller's and its own deadline. */
interface CallLimits {
  readonly callerSignal: AbortSignal | undefined;
  readonly deadlineSignal: AbortSignal;
  readonly deadlineMs: number;
  readonly timeoutMs: number;
}

const UNABLE: ReadonlySet<number> = new Set([502, 503, 504]);

export class HttpTransport {
  readonly #settings: ClientSettings;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #gateways: GatewayChoice;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.#gateways = new GatewayChoice(settings.urls);
    this.#headers = {
      accept: 'application/json',
      ...(settings.apiKey === undefined ? {} : { authorization: `Bearer ${settings.apiKey}` }),
      ...(settings.tenant === undefined ? {} : { 'x-shoal-tenant': settings.tenant }),
    };
  }

  /** The gateway that is asked now. */
  get url(): string {
    return this.#gateways.url;
  }

  /** Time of day in milliseconds since 1970. */
  now(): number {
    return this.#settings.now();
  }

  /** The parsed JSON of a successful answer; undefined when it has no body. */
  async call(call: HttpCall, options: WriteCallOptions = {}): Promise<unknown> {
    const { now, timeoutMs: defaultTimeoutMs } = this.#settings;
    const timeoutMs = parseTimeoutMs(options.timeoutMs ?? defaultTimeoutMs);
    const deadline = new AbortController();
    // A timer that ends with the call: that of `AbortSignal.timeout` runs on for its whole time, also when the answer came at once.
    const timer = setTimeout(() => deadline.abort(), timeoutMs);
    try {
      return await this.#attempts(call, this.#headersOf(call, options), { callerSignal: options.signal, deadlineSignal: deadline.signal, deadlineMs: now() + timeoutMs, timeoutMs });
    } finally {
      clearTimeout(timer);
    }
  }

  async #attempts(call: HttpCall, headers: Readonly<Record<string, string>>, limits: CallLimits): Promise<unknown> {
    const attemptsMaximum = call.retry === false ? 1 : this.#settings.retries + 1;
    for (let attempt = 1; ; attempt += 1) {
      const { url } = this.#gateways;
      try {
        return await this.#attempt(url, call, headers, limits);
      } catch (error) {
        if (!(error instanceof ShoalClientError)) throw error;
        error.attempts = attempt;
        if (isOfGateway(error)) this.#gateways.leave(url);
        if (!error.retryable || error.origin === 'deadline' || attempt >= attemptsMaximum) throw error;
        await this.#waitBeforeNext(attempt, error, limits);
      }
    }
  }

  /**
   * The bytes of a successful answer as they arrive. Neither retried nor bounded in time, for it may be of any size: it ends with the signal, and
   * fails with `not_ready` when the connection breaks.
   */
  async *stream(call: HttpCall, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const { fetch, now } = this.#settings;
    const { url } = this.#gateways;
    const silence = new AbortController();
    const limits: CallLimits = { callerSignal: signal, deadlineSignal: silence.signal, deadlineMs: 0, timeoutMs: CLIENT_LIMITS.streamSilenceMs };
    const ends = linkSignals(signal === undefined ? [silence.signal] : [signal, silence.signal]);
    let timer = setTimeout(() => silence.abort(), CLIENT_LIMITS.streamSilenceMs);
    try {
      const response = await fetch(`${url}${call.path}`, {
        method: call.method, headers: this.#headersOf(call, {}), redirect: 'error',
        signal: ends.signal,
      });
      if (!response.ok) throw errorOfResponse(response, await response.text(), now());
      for await (const piece of response.body ?? []) {
        clearTimeout(timer);
        yield piece;
        timer = setTimeout(() => silence.abort(), CLIENT_LIMITS.streamSilenceMs);
      }
    } catch (error) {
      throw error instanceof ShoalClientError ? error : this.#failureOf(url, error, limits);
    } finally {
      clearTimeout(timer);
      ends.release();
    }
  }

  /** Throws the error when the wait would pass the deadline: to say it at once is worth more than to say it later. */
  async #waitBeforeNext(attempt: number, error: ShoalClientError, limits: CallLimits): Promise<void> {
    const { random, wait, now } = this.#settings;
    const delayMs = backoffMs(attempt, random, error.retryAfterMs);
    if (now() + delayMs >= limits.deadlineMs) throw error;
    limits.callerSignal?.throwIfAborted();
    await wait(delayMs, limits.callerSignal);
  }

  #headersOf(call: HttpCall, { idempotencyKey }: WriteCallOptions): Readonly<Record<string, string>> {
    return {
      ...this.#headers,
      ...(call.body === undefined ? {} : { 'content-type': call.body.mediaType }),
      ...(call.once === true ? { 'idempotency-key': idempotencyKey ?? this.#settings.newId() } : {}),
    };
  }

  async #attempt(url: string, call: HttpCall, headers: Readonly<Record<string, string>>, limits: CallLimits): Promise<unknown> {
    const { fetch, now } = this.#settings;
    const watch = this.#gateways.hasOthers ? watchGateway(url, this.#settings) : undefined;
    const ends = linkSignals([limits.callerSignal, limits.deadlineSignal, watch?.silent].filter((signal) => signal !== undefined));
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${url}${call.path}`, {
        method: call.method,
        headers,
        ...(call.body === undefined ? {} : { body: call.body.content }),
        signal: ends.signal,
        redirect: 'error',
      });
      text = await response.text();
    } catch (error) {
      throw this.#failureOf(url, error, limits);
    } finally {
      ends.release();
      watch?.stop();
    }
    if (!response.ok) throw errorOfResponse(response, text, now());
    return parseAnswer(text, response.status);
  }

  /** The signals say why an attempt ended without an answer; the error that fetch throws does not, reliably. */
  #failureOf(url: string, error: unknown, { callerSignal, deadlineSignal, timeoutMs }: CallLimits): unknown {
    if (callerSignal?.aborted === true) return callerSignal.reason;
    if (deadlineSignal.aborted) {
      return new ShoalClientError('deadline_exceeded', `${url} gave no answer within ${timeoutMs} ms.`, { origin: 'deadline', cause: error });
    }
    return new ShoalClientError('not_ready', `Nothing answers at ${url}${reasonOf(error)}.`, { origin: 'connection', cause: error });
  }
}

/** Whether another gateway may do better: this one does not answer, or cannot serve now. */
function isOfGateway({ origin, httpStatus }: ShoalClientError): boolean {
  return origin !== 'server' || (httpStatus !== undefined && UNABLE.has(httpStatus));
}

/** The system's code of a connection failure, such as ECONNREFUSED, which fetch hides in the cause. */
function reasonOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? ` (${code})` : '';
}

function parseAnswer(text: string, status: number): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    const detail = { origin: 'server', httpStatus: status, retryable: false, cause: error } as const;
    throw new ShoalClientError('internal', 'The answer is not JSON; is this the address of a Shoal gateway?', detail);
  }
}

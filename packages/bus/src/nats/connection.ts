/** The connection to the broker: opening, its state, and what happens at a disconnect. */
import { connect, errors, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { ShoalError } from '@shoal/protocol';
import { BUS_LIMITS } from '../limits.ts';
import { Wakeup } from '../wakeup.ts';
import { pause } from '../pause.ts';
import { backoffMs, settled, unlessAborted } from './retry.ts';
import { accessOptions, type NatsAccess } from './access.ts';
import { checkServer } from './server-check.ts';
import type { ServerAddresses } from './server-url.ts';

export interface DialOptions {
  readonly addresses: ServerAddresses;
  readonly access: NatsAccess;
  readonly name: string;
  /** Ends the attempts. */
  readonly signal: AbortSignal;
  /** Hears why an attempt failed that is followed by another one. */
  readonly onRetry: (error: ShoalError) => void;
}

/** A server that stands still keeps its connections open: after so many pings without an answer, and one more interval, another one is tried. */
const PING_INTERVAL_MS = 1_500;
const PINGS_UNANSWERED = 2;
const RECONNECT_WAIT_MS = 250;

export class Connection {
  readonly nats: NatsConnection;
  /** The servers, without credentials. */
  readonly printable: string;
  #connected = true;
  #closed = false;
  readonly #changed = new Wakeup();
  readonly #onDisconnect = new Set<() => void>();
  readonly #watching: Promise<void>;

  private constructor(nats: NatsConnection, printable: string) {
    this.nats = nats;
    this.printable = printable;
    this.#watching = this.#watch();
  }

  /** Tries until the signal aborts; then rejects with `bus_unreachable`. Refused credentials are `invalid_configuration`, a server that is too old is `bus_incompatible`. */
  static async open(options: DialOptions): Promise<Connection> {
    const nats = await dial(options);
    try {
      const info = nats.info;
      if (info === undefined) throw unreachable(options.addresses.printable, undefined);
      checkServer(info);
    } catch (error) {
      await nats.close();
      throw error;
    }
    return new Connection(nats, options.addresses.printable);
  }

  get connected(): boolean {
    return this.#connected && !this.#closed;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get maxPayloadBytes(): number {
    return this.nats.info?.max_payload ?? BUS_LIMITS.requestBytes;
  }

  unreachable(cause?: unknown): ShoalError {
    return unreachable(this.printable, cause);
  }

  /** What to say when a call of the broker's API failed: that nobody is there, or what is wrong with who is. */
  unanswered(cause: unknown): ShoalError {
    if (!this.connected || !(cause instanceof Error)) return this.unreachable(cause);
    return new ShoalError('bus_unreachable', `The NATS server at ${this.printable} is there, but JetStream does not answer: ${cause.message}.`, { cause });
  }

  /** Resolves when the connection is up, after `timeoutMs` at the latest, or when the signal aborts; look at `connected`. */
  async untilConnected(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const wake = (): void => this.#changed.notify();
    stop.addEventListener('abort', wake);
    while (!this.connected && !this.#closed && !stop.aborted) await this.#changed.wait();
    stop.removeEventListener('abort', wake);
  }

  /** Calls the listener at each disconnect and at the close; returns how to stop that. */
  onDisconnect(listener: () => void): () => void {
    this.#onDisconnect.add(listener);
    return () => void this.#onDisconnect.delete(listener);
  }

  /** What `ask` answers, or `bus_unreachable` as soon as the connection is lost: then no answer comes any more. */
  async whileConnected<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    if (!this.connected) throw this.unreachable();
    const lost = Promise.withResolvers<never>();
    const forget = this.onDisconnect(() => lost.reject(this.unreachable()));
    try {
      return await Promise.race([ask(), lost.promise]);
    } finally {
      forget();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#changed.notify();
    if (this.#connected) await settled(this.nats.flush(), BUS_LIMITS.closeMs);
    await this.nats.close();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    for await (const status of this.nats.status()) {
      if (status.type === 'disconnect' || status.type === 'close') this.#lost();
      if (status.type === 'reconnect') {
        this.#connected = true;
        this.#changed.notify();
      }
    }
    this.#closed = true;
    this.#lost();
  }

  #lost(): void {
    this.#connected = false;
    for (const listener of this.#onDisconnect) listener();
    this.#changed.notify();
  }
}

function unreachable(printable: string, cause: unknown): ShoalError {
  return new ShoalError('bus_unreachable', `The NATS server at ${printable} cannot be reached.`, { cause });
}

async function dial(options: DialOptions): Promise<NatsConnection> {
  const { addresses, signal, onRetry } = options;
  const access = await accessOptions(options.access, addresses.tls);
  for (let attempt = 0; ; attempt++) {
    const connecting = connect(connectionOptions(options, access));
    try {
      return await unlessAborted(connecting, signal);
    } catch (cause) {
      // It may still succeed behind our back.
      connecting.then((late) => late.close()).catch(() => undefined);
      const error = dialError(addresses.printable, cause);
      if (!error.retryable || signal.aborted) throw error;
      onRetry(error);
      await pause(backoffMs(attempt), signal);
      if (signal.aborted) throw error;
    }
  }
}

function dialError(printable: string, cause: unknown): ShoalError {
  if (!(cause instanceof errors.AuthorizationError)) return unreachable(printable, cause);
  return new ShoalError('invalid_configuration', `The NATS server at ${printable} refused the credentials. Correct SHOAL_NATS_URL, or the setting by which this process logs in.`, { field: 'SHOAL_NATS_URL', cause });
}

function connectionOptions(options: DialOptions, access: Partial<ConnectionOptions>): ConnectionOptions {
  return {
    servers: [...options.addresses.hosts],
    name: options.name,
    // A server that stands still, or is killed while it lets a client in, never answers.
    timeout: BUS_LIMITS.dialMs,
    noAsyncTraces: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: PINGS_UNANSWERED,
    ignoreAuthErrorAbort: true,
    ...access,
  };
}

/**
 * Messages of a stream under one filter, exactly once and in order, across disconnects and restarts of the server.
 *
 * A session is an ephemeral pull consumer without acknowledgements: the broker keeps no state of ours. At most one pull
 * request is open, and none is sent while a whole group waits unread: so the buffer holds at most two groups. A session
 * that shows any gap, error or silence is given up, and the next one starts after the last message that was yielded.
 */
import { AckPolicy, type ConsumerConfig, DeliverPolicy, type JetStreamManager } from '@nats-io/jetstream';
import { createInbox, type Msg, nanos, nuid, type Subscription } from '@nats-io/transport-node';
import { type ErrorCode, ShoalError } from '@shoal/protocol';
import { BUS_LIMITS } from '../limits.ts';
import { Wakeup } from '../wakeup.ts';
import type { Connection } from './connection.ts';
import { parseDelivery, type StoredMessage } from './stored-message.ts';
import { pause } from '../pause.ts';
import { backoffMs } from './retry.ts';

export interface PullOptions {
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  readonly stream: string;
  readonly filter: string;
  /** From a sequence on, or the last message of every subject and then everything new. */
  readonly start: { readonly type: 'sequence'; readonly from: number } | { readonly type: 'lastPerSubject' };
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Called when the first session is open, with the number of messages that it finds. */
  readonly onOpen?: (pendingCount: number) => void;
  /** Called when a session was opened, before its messages are read. `log_trimmed` ends the reading; after another failure the session is opened anew. */
  readonly onSession?: () => Promise<void>;
}

/** Ends when the signal aborts. Throws `log_incompatible` when the stream ends before the position that is to be read. */
export async function* pullMessages(options: PullOptions): AsyncGenerator<readonly StoredMessage[]> {
  let last = options.start.type === 'sequence' ? Math.max(options.start.from, 1) - 1 : undefined;
  let opened = false;
  while (!options.signal.aborted) {
    const session = await openSession(options, last);
    if (session === undefined) return;
    if (!opened) options.onOpen?.(session.pendingCount);
    opened = true;
    try {
      for (let group = await session.next(); group !== undefined; group = await session.next()) {
        last = group.at(-1)?.sequence ?? last;
        yield group;
      }
    } finally {
      session.close();
    }
  }
}

const ENDS_READING: ReadonlySet<string> = new Set<ErrorCode>(['log_incompatible', 'log_trimmed']);

/** Tries until it succeeds; nothing when the signal aborts. `last` is the sequence before the first one wanted. */
async function openSession(options: PullOptions, last: number | undefined): Promise<Session | undefined> {
  for (let attempt = 0; !options.signal.aborted && !options.connection.closed; attempt++) {
    await options.connection.untilConnected(BUS_LIMITS.retryMaxMs, options.signal);
    if (!options.connection.connected) continue;
    const opening = Session.open(options, last);
    try {
      const session = await options.connection.whileConnected(() => opening);
      await options.onSession?.();
      return session;
    } catch (error) {
      // The opening may still succeed behind our back.
      opening.then((session) => session.close(), () => undefined);
      if (error instanceof ShoalError && ENDS_READING.has(error.code)) throw error;
      await pause(backoffMs(attempt), options.signal);
    }
  }
  return undefined;
}

class Session {
  readonly pendingCount: number;
  readonly #options: PullOptions;
  readonly #consumer: string;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #silence: NodeJS.Timeout;
  readonly #undo: readonly (() => void)[];
  readonly #arrived = new Wakeup();
  #buffer: StoredMessage[] = [];
  #bufferedBytes = 0;
  #lastSequence: number;
  #consumerSequence = 0;
  #pullCount = 0;
  /** Messages that the open pull may still bring; 0 when none is open. */
  #wanted = 0;
  #heard = true;
  #broken = false;

  private constructor(options: PullOptions, consumer: string, pendingCount: number, last: number) {
    this.#options = options;
    this.#consumer = consumer;
    this.pendingCount = pendingCount;
    this.#lastSequence = last;
    this.#inbox = createInbox();
    this.#subscription = options.connection.nats.subscribe(`${this.#inbox}.*`, { callback: (error, message) => this.#receive(error, message) });
    const wake = (): void => this.#arrived.notify();
    options.signal.addEventListener('abort', wake);
    this.#undo = [() => options.signal.removeEventListener('abort', wake), options.connection.onDisconnect(() => this.#breakOff())];
    // Two heartbeats may be late; a third silence means that the consumer or its server is gone.
    this.#silence = setInterval(() => this.#checkSilence(), BUS_LIMITS.heartbeatMs * 2.5);
  }

  static async open(options: PullOptions, last: number | undefined): Promise<Session> {
    const { jsm, stream } = options;
    if (last !== undefined) await checkEnd(options, last);
    const info = await jsm.consumers.add(stream, consumerConfig(options, last));
    return new Session(options, info.name, info.num_pending, last ?? 0);
  }

  /** The next group, or nothing when the session is at its end: aborted, or broken and read up. */
  async next(): Promise<readonly StoredMessage[] | undefined> {
    for (;;) {
      if (this.#options.signal.aborted) return undefined;
      const group = this.#take();
      if (!this.#broken) this.#pull();
      if (group.length > 0) return group;
      if (this.#broken) return undefined;
      await this.#arrived.wait();
    }
  }

  close(): void {
    clearInterval(this.#silence);
    for (const undo of this.#undo) undo();
    this.#subscription.unsubscribe();
    if (this.#broken || !this.#options.connection.connected) return;
    // The consumer would disappear by itself after a while; removing it now is a courtesy that may fail.
    this.#options.jsm.consumers.delete(this.#options.stream, this.#consumer).catch(() => undefined);
  }

  #take(): readonly StoredMessage[] {
    let count = 0;
    for (let bytes = 0; count < this.#buffer.length && count < this.#options.maxMessages && bytes < this.#options.maxBytes; count++) {
      bytes += this.#buffer[count]?.data.length ?? 0;
    }
    const group = this.#buffer.slice(0, count);
    this.#buffer = this.#buffer.slice(count);
    for (const message of group) this.#bufferedBytes -= message.data.length;
    return group;
  }

  #pull(): void {
    const { connection, stream, maxMessages, maxBytes } = this.#options;
    if (this.#wanted > 0 || this.#buffer.length >= maxMessages || this.#bufferedBytes >= maxBytes) return;
    this.#wanted = maxMessages;
    this.#pullCount++;
    const request = {
      batch: maxMessages,
      // A pull must have room for one message of any size, or it would never bring that message.
      max_bytes: maxBytes + 2 * BUS_LIMITS.entryBytes,
      expires: nanos(BUS_LIMITS.pullMs),
      idle_heartbeat: nanos(BUS_LIMITS.heartbeatMs),
    };
    connection.nats.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${this.#consumer}`, JSON.stringify(request), { reply: `${this.#inbox}.${this.#pullCount}` });
  }

  #receive(error: Error | null, message: Msg): void {
    if (error !== null) return this.#breakOff();
    this.#heard = true;
    if (message.subject.startsWith(this.#inbox)) this.#receiveStatus(message);
    else this.#receiveStored(message);
    this.#arrived.notify();
  }

  #receiveStored(message: Msg): void {
    const delivery = parseDelivery(message);
    this.#wanted = Math.max(this.#wanted - 1, 0);
    if (delivery === undefined || delivery.consumerSequence !== this.#consumerSequence + 1) return this.#breakOff();
    if (this.#broken) return;
    this.#consumerSequence = delivery.consumerSequence;
    if (delivery.stored.sequence <= this.#lastSequence) return;
    this.#lastSequence = delivery.stored.sequence;
    this.#buffer.push(delivery.stored);
    this.#bufferedBytes += delivery.stored.data.length;
  }

  /** Answers to a pull request itself (NATS ADR-13): signs of life, the end of the pull, or the end of the consumer. */
  #receiveStatus(message: Msg): void {
    if (message.subject !== `${this.#inbox}.${this.#pullCount}`) return;
    const head = message.headers;
    switch (head?.code) {
      case 100: {
        const delivered = Number(head.get('Nats-Last-Consumer'));
        if (delivered > this.#consumerSequence) this.#breakOff();
        return;
      }
      case 404:
      case 408:
        this.#wanted = 0;
        return;
      case 409:
        // With a count of what is left, the pull is over; without, the consumer is.
        if (head.has('Nats-Pending-Messages')) this.#wanted = 0;
        else this.#breakOff();
        return;
      default:
        this.#breakOff();
    }
  }

  #checkSilence(): void {
    if (!this.#heard && this.#wanted > 0) this.#breakOff();
    this.#heard = false;
  }

  #breakOff(): void {
    this.#broken = true;
    this.#arrived.notify();
  }
}

function consumerConfig(options: PullOptions, last: number | undefined): Partial<ConsumerConfig> {
  return {
    name: `shoal-${nuid.next()}`,
    filter_subject: options.filter,
    ack_policy: AckPolicy.None,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(BUS_LIMITS.consumerIdleMs),
    ...(last === undefined ? { deliver_policy: DeliverPolicy.LastPerSubject } : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: last + 1 }),
  };
}

/** A stream that ends before what was read already lost messages, or is another one: reading on would skip writes in silence. */
async function checkEnd(options: PullOptions, last: number): Promise<void> {
  if (last === 0) return;
  const { state } = await options.jsm.streams.info(options.stream);
  if (state.last_seq < last) {
    throw new ShoalError('log_incompatible', `The stream ${options.stream} ends at ${state.last_seq}, before position ${last} that was read already: it is not the log that was read before.`);
  }
}

/**
 * Requests over core NATS. All answers of this client come in under one inbox, one token per request; a request that is
 * open when the connection breaks is rejected at once, because its answer would be lost.
 */
import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import { ShoalError } from '@shoal/protocol';
import { checkRequestSize } from '../arguments.ts';
import { BUS_LIMITS } from '../limits.ts';
import { plainBytes } from '../plain-bytes.ts';
import type { RequestHandler, RequestOptions, Requests, Serving } from '../requests.ts';
import { runHandler, ServedSubject } from '../served-subject.ts';
import { AnswerInProgress, HEAD_BYTES, repliesOf, replyOfError, type Reply } from './answer-parts.ts';
import type { Connection } from './connection.ts';
import type { Names } from './names.ts';
import { TRACE_PARENT, traceHeaders } from './trace-header.ts';
import { settled } from './retry.ts';

const QUEUE_GROUP = 'q';
/** Header of a request that is traced. */

interface OpenRequest {
  readonly subject: string;
  readonly answer: AnswerInProgress;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

export class NatsRequests implements Requests {
  readonly maxRequestBytes: number;
  readonly #connection: Connection;
  readonly #names: Names;
  readonly #inbox = createInbox();
  readonly #answers: Subscription;
  readonly #open = new Map<string, OpenRequest>();
  readonly #servings = new Set<Serving>();
  readonly #forgetDisconnects: () => void;
  #tokens = 0;
  #closed = false;

  constructor(connection: Connection, names: Names) {
    this.#connection = connection;
    this.#names = names;
    this.maxRequestBytes = Math.min(BUS_LIMITS.requestBytes, connection.maxPayloadBytes - HEAD_BYTES);
    this.#answers = connection.nats.subscribe(`${this.#inbox}.*`, { callback: (error, message) => this.#receive(error, message) });
    this.#forgetDisconnects = connection.onDisconnect(() => this.#rejectAll(connection.unreachable()));
  }

  async request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    this.#checkOpen();
    checkRequestSize(payload, this.maxRequestBytes);
    if (!this.#connection.connected) throw this.#connection.unreachable();
    if (this.#open.size >= BUS_LIMITS.inFlightRequests) {
      throw new ShoalError('overloaded', 'Too many requests are waiting for an answer.', { limit: BUS_LIMITS.inFlightRequests });
    }
    const token = (this.#tokens++).toString(36);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(token)?.reject(tooLate(subject, options.timeoutMs)), options.timeoutMs);
      this.#open.set(token, { subject, answer: new AnswerInProgress(), timer, resolve, reject });
      this.#connection.nats.publish(this.#names.subject(subject), payload, { reply: `${this.#inbox}.${token}`, ...(options.traceParent === undefined ? {} : { headers: traceHeaders(options.traceParent) }) });
    });
  }

  #receive(error: Error | null, message: Msg): void {
    if (error !== null) return this.#rejectAll(this.#connection.unreachable(error));
    const token = message.subject.slice(this.#inbox.length + 1);
    const request = this.#open.get(token);
    // An answer after its deadline finds nobody.
    if (request === undefined) return;
    try {
      const answer = request.answer.take(message, request.subject);
      if (answer !== undefined) this.#settle(token)?.resolve(answer);
    } catch (reason) {
      this.#settle(token)?.reject(reason);
    }
  }

  #settle(token: string): OpenRequest | undefined {
    const request = this.#open.get(token);
    this.#open.delete(token);
    clearTimeout(request?.timer);
    return request;
  }

  #rejectAll(error: ShoalError): void {
    for (const token of this.#open.keys()) this.#settle(token)?.reject(error);
  }

  async serve(subject: string, handler: RequestHandler): Promise<Serving> {
    this.#checkOpen();
    const server = new ServedSubject(handler);
    const subscription = this.#connection.nats.subscribe(this.#names.subject(subject), {
      queue: QUEUE_GROUP,
      callback: (error, message) => {
        if (error === null) void this.#answer(server, message);
      },
    });
    return this.#serving(subscription, () => server.drained());
  }

  /** Never rejects. An answer that cannot be sent is lost like any message of a broken connection: the caller sees its deadline. */
  async #answer(server: ServedSubject, message: Msg): Promise<void> {
    const replies = await runHandler(server, plainBytes(message.data), message.headers?.get(TRACE_PARENT) || undefined).then(
      (answer) => repliesOf(answer, this.#connection.maxPayloadBytes),
      (error: ShoalError): readonly Reply[] => [replyOfError(error)],
    );
    if (message.reply === undefined || message.reply === '') return;
    for (const reply of replies) this.#send(message.reply, reply.payload, reply);
  }

  #send(subject: string, payload: Uint8Array, options: Omit<Reply, 'payload'>): void {
    if (!this.#connection.connected) return;
    this.#connection.nats.publish(subject, payload, options.headers === undefined ? {} : { headers: options.headers });
  }

  announce(subject: string, payload: Uint8Array): void {
    checkRequestSize(payload, this.maxRequestBytes);
    if (!this.#closed) this.#send(this.#names.subject(subject), payload, {});
  }

  async listen(subject: string, listener: (payload: Uint8Array) => void): Promise<Serving> {
    this.#checkOpen();
    const subscription = this.#connection.nats.subscribe(this.#names.subject(subject), {
      // In a turn of its own: an exception here would end the client's reading of the connection instead of the process.
      callback: (error, message) => {
        if (error === null) queueMicrotask(() => listener(plainBytes(message.data)));
      },
    });
    return this.#serving(subscription, () => Promise.resolve());
  }

  /** Known to the broker when it resolves. */
  async #serving(subscription: Subscription, drained: () => Promise<void>): Promise<Serving> {
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      if (this.#connection.connected) await settled(subscription.drain(), BUS_LIMITS.closeMs);
      else subscription.unsubscribe();
      await drained();
      this.#servings.delete(serving);
    };
    const serving: Serving = { close: () => (closing ??= close()) };
    this.#servings.add(serving);
    await settled(this.#connection.nats.flush(), BUS_LIMITS.attemptMs);
    return serving;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#servings].map((serving) => serving.close()));
    this.#rejectAll(new ShoalError('not_ready', 'The bus was closed before the answer came.'));
    this.#forgetDisconnects();
    this.#answers.unsubscribe();
  }

  #checkOpen(): void {
    if (this.#closed) throw new ShoalError('not_ready', 'The bus is closed.');
  }
}

function tooLate(subject: string, timeoutMs: number): ShoalError {
  return new ShoalError('deadline_exceeded', `${subject} did not answer within ${timeoutMs} ms.`);
}

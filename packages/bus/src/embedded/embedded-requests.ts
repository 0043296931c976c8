/** Requests inside one process, with the errors and limits of a broker. */
import { ShoalError } from '@shoal/protocol';
import { checkRequestSize } from '../arguments.ts';
import { runHandler, ServedSubject } from '../served-subject.ts';
import { BUS_LIMITS } from '../limits.ts';
import type { RequestHandler, RequestOptions, Requests, Serving } from '../requests.ts';

type Listener = (payload: Uint8Array) => void;

export class EmbeddedRequests implements Requests {
  readonly maxRequestBytes: number = BUS_LIMITS.requestBytes;
  readonly #servers = new Map<string, ServedSubject[]>();
  readonly #listeners = new Map<string, Set<Listener>>();
  #turn = 0;
  #inFlight = 0;
  #closed = false;

  async request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    this.#checkOpen();
    checkRequestSize(payload, this.maxRequestBytes);
    const group = this.#servers.get(subject) ?? [];
    const server = group[this.#turn++ % Math.max(group.length, 1)];
    if (server === undefined) throw new ShoalError('slot_unavailable', `Nobody serves ${subject}.`);
    if (this.#inFlight >= BUS_LIMITS.inFlightRequests) {
      throw new ShoalError('overloaded', 'Too many requests are waiting for an answer.', { limit: BUS_LIMITS.inFlightRequests });
    }
    this.#inFlight++;
    try {
      return await answerInTime(subject, runHandler(server, payload, options.traceParent), options.timeoutMs);
    } finally {
      this.#inFlight--;
    }
  }

  async serve(subject: string, handler: RequestHandler): Promise<Serving> {
    this.#checkOpen();
    const server = new ServedSubject(handler);
    this.#servers.set(subject, [...(this.#servers.get(subject) ?? []), server]);
    return {
      close: async () => {
        const others = (this.#servers.get(subject) ?? []).filter((other) => other !== server);
        if (others.length > 0) this.#servers.set(subject, others);
        else this.#servers.delete(subject);
        await server.drained();
      },
    };
  }

  announce(subject: string, payload: Uint8Array): void {
    checkRequestSize(payload, this.maxRequestBytes);
    for (const listener of this.#listeners.get(subject) ?? []) queueMicrotask(() => listener(payload));
  }

  async listen(subject: string, listener: Listener): Promise<Serving> {
    this.#checkOpen();
    // Wrapped, so that one function may listen twice and stop once.
    const own: Listener = (payload) => {
      if (this.#listeners.get(subject)?.has(own) === true) listener(payload);
    };
    const listeners = this.#listeners.get(subject) ?? new Set();
    this.#listeners.set(subject, listeners.add(own));
    return {
      close: async () => {
        listeners.delete(own);
        if (listeners.size === 0) this.#listeners.delete(subject);
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    const servers = [...this.#servers.values()].flat();
    this.#servers.clear();
    this.#listeners.clear();
    await Promise.all(servers.map((server) => server.drained()));
  }

  #checkOpen(): void {
    if (this.#closed) throw new ShoalError('not_ready', 'The bus is closed.');
  }
}

async function answerInTime(subject: string, answer: Promise<Uint8Array>, timeoutMs: number): Promise<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ShoalError('deadline_exceeded', `${subject} did not answer within ${timeoutMs} ms.`)), timeoutMs);
  });
  try {
    return await Promise.race([answer, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

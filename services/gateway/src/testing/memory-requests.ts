import type { RequestHandler, RequestOptions, Requests, Serving } from '@shoal/bus';
import { ShoalError } from '@shoal/protocol';

/** Requests inside the process, with the errors that the port promises. */
export class MemoryRequests implements Requests {
  readonly maxRequestBytes = 1024 * 1024;
  readonly #handlers = new Map<string, RequestHandler>();
  readonly #listeners = new Map<string, Set<(payload: Uint8Array) => void>>();
  /** Requests sent so far, by subject. */
  readonly requestCounts = new Map<string, number>();

  async request(subject: string, payload: Uint8Array, { timeoutMs, traceParent }: RequestOptions): Promise<Uint8Array> {
    this.requestCounts.set(subject, (this.requestCounts.get(subject) ?? 0) + 1);
    const handler = this.#handlers.get(subject);
    if (handler === undefined) throw new ShoalError('slot_unavailable', `Nobody serves ${subject}.`);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new ShoalError('deadline_exceeded', `${subject} did not answer in ${timeoutMs} ms.`)), timeoutMs);
    });
    try {
      return await Promise.race([handler(Uint8Array.from(payload), traceParent), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async serve(subject: string, handler: RequestHandler): Promise<Serving> {
    this.#handlers.set(subject, handler);
    return { close: async () => void this.#handlers.delete(subject) };
  }

  announce(subject: string, payload: Uint8Array): void {
    for (const listener of this.#listeners.get(subject) ?? []) listener(payload);
  }

  async listen(subject: string, listener: (payload: Uint8Array) => void): Promise<Serving> {
    const listeners = this.#listeners.get(subject) ?? new Set();
    this.#listeners.set(subject, listeners.add(listener));
    return { close: async () => void listeners.delete(listener) };
  }

  async close(): Promise<void> {
    this.#handlers.clear();
    this.#listeners.clear();
  }
}

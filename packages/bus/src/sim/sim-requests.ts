import { ShoalError } from '@shoal/protocol';
import { checkRequestSize } from '../arguments.ts';
import { BUS_LIMITS } from '../limits.ts';
import type { RequestHandler, RequestOptions, Requests, Serving } from '../requests.ts';
import { runHandler, ServedSubject } from '../served-subject.ts';
import type { SimBroker } from './sim-broker.ts';
import type { SimProcess } from './sim-process.ts';

export class SimRequests implements Requests {
  readonly maxRequestBytes: number = BUS_LIMITS.requestBytes;
  readonly #broker: SimBroker;
  readonly #process: SimProcess;
  readonly #servings = new Set<Serving>();
  #inFlight = 0;
  #closed = false;

  constructor(broker: SimBroker, process: SimProcess) {
    this.#broker = broker;
    this.#process = process;
  }

  async request(subject: string, payload: Uint8Array, { timeoutMs, traceParent }: RequestOptions): Promise<Uint8Array> {
    this.#checkOpen();
    checkRequestSize(payload, this.maxRequestBytes);
    if (this.#inFlight >= BUS_LIMITS.inFlightRequests) throw new ShoalError('overloaded', 'Too many requests are waiting for an answer.', { limit: BUS_LIMITS.inFlightRequests });
    this.#inFlight += 1;
    const answer = Promise.withResolvers<Uint8Array>();
    const cancel = this.#process.timers.after(timeoutMs, () => answer.reject(new ShoalError('deadline_exceeded', `${subject} did not answer within ${timeoutMs} ms.`)));
    const back = (settle: () => void): void => this.#process.receive(settle);
    this.#process.send(() => {
      if (!this.#broker.up) return;
      const server = this.#broker.serverOf(subject);
      if (server === undefined) return back(() => answer.reject(new ShoalError('slot_unavailable', `Nobody serves ${subject}.`)));
      server.process.receive(() => {
        server.handler(payload, traceParent).then(
          (result) => server.process.send(() => back(() => answer.resolve(result))),
          (error: unknown) => server.process.send(() => back(() => answer.reject(error))),
        );
      });
    });
    try {
      return await answer.promise;
    } finally {
      cancel();
      this.#inFlight -= 1;
    }
  }

  async serve(subject: string, handler: RequestHandler): Promise<Serving> {
    this.#checkOpen();
    const served = new ServedSubject(handler);
    const leave = this.#broker.serve(subject, { process: this.#process, handler: (payload, traceParent) => runHandler(served, payload, traceParent) });
    return this.#keep(async () => {
      leave();
      await served.drained();
    });
  }

  announce(subject: string, payload: Uint8Array): void {
    checkRequestSize(payload, this.maxRequestBytes);
    this.#process.send(() => {
      if (!this.#broker.up) return;
      for (const listener of this.#broker.listenersOf(subject)) listener(payload);
    });
  }

  async listen(subject: string, listener: (payload: Uint8Array) => void): Promise<Serving> {
    this.#checkOpen();
    let open = true;
    const leave = this.#broker.listen(subject, (payload) => {
      this.#process.receive(() => {
        if (open) listener(payload);
      });
    });
    return this.#keep(async () => {
      open = false;
      leave();
    });
  }

  #keep(end: () => Promise<void>): Serving {
    const serving: Serving = {
      close: async () => {
        this.#servings.delete(serving);
        await end();
      },
    };
    this.#servings.add(serving);
    return serving;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#servings].map((serving) => serving.close()));
  }

  #checkOpen(): void {
    if (this.#closed) throw new ShoalError('not_ready', 'The bus is closed.');
  }
}

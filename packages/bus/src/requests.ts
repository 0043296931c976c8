export interface RequestOptions {
  readonly timeoutMs: number;
  /** Trace context of what asks, as in the header `traceparent` of the W3C; 55 characters of ASCII. */
  readonly traceParent?: string;
}

/** `traceParent` is what the caller gave, unread; undefined where it gave none. */
export type RequestHandler = (payload: Uint8Array, traceParent?: string) => Promise<Uint8Array>;

export interface Serving {
  /** Stops taking requests; those under way are answered first. */
  close(): Promise<void>;
}

/**
 * Requests to whichever member of a group serves a subject, and announcements to all that listen.
 *
 * Invariants:
 * 1. A request reaches at most one server of its subject's group.
 * 2. With no server it rejects with `slot_unavailable` at once; without an answer by its deadline, with `deadline_exceeded`.
 * 3. A handler that throws answers its caller with the error's registry code (`internal` when it has none); it ends nothing else.
 * 4. An answer larger than the broker's limit is carried all the same (chunked), up to `BUS_LIMITS.answerBytes`; beyond
 *    that the caller gets `body_too_large`.
 * 5. More requests waiting than the limits allow reject with `overloaded`; a lost connection with `bus_unreachable`.
 * 6. The trace context of a request reaches its handler and changes nothing else.
 *
 * Payloads and answers are not copied where both ends share a process: nobody may change one after handing it over.
 */
export interface Requests {
  /** Largest request or announcement that is carried; a larger one is refused with `invalid_field`. */
  readonly maxRequestBytes: number;
  request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<Uint8Array>;
  serve(subject: string, handler: RequestHandler): Promise<Serving>;
  /** Best effort, at most once; dropped while the connection is down. */
  announce(subject: string, payload: Uint8Array): void;
  /** A listener must not throw: what it throws is an uncaught exception of the process. */
  listen(subject: string, listener: (payload: Uint8Array) => void): Promise<Serving>;
  close(): Promise<void>;
}

export interface RequestOptions {
  readonly timeoutMs: number;
}

export type RequestHandler = (payload: Uint8Array) => Promise<Uint8Array>;

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
 * 4. An answer larger than the broker's limit is carried all the same (chunked), up to `maxAnswerBytes`.
 */
export interface Requests {
  request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<Uint8Array>;
  serve(subject: string, handler: RequestHandler): Promise<Serving>;
  /** Best effort, at most once. */
  announce(subject: string, payload: Uint8Array): void;
  listen(subject: string, listener: (payload: Uint8Array) => void): Promise<Serving>;
  close(): Promise<void>;
}

/** Numbers and names only; never a tenant, a name, a key or a payload. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** Something that is being done for a request that is traced. It is sent when it ends; what never ends is not sent. */
export interface TracedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** For the header `traceparent`, so that others trace their part of it. */
  readonly parent: string;
  /** A part of it, in this process. One that hands a message over for later is a `producer`. */
  child(name: string, attributes: SpanAttributes, kind?: 'internal' | 'producer'): TracedSpan;
  /** `error` is the code of what went wrong. */
  end(attributes?: SpanAttributes, error?: string): void;
}

/**
 * Follows requests through processes. Everything is undefined for requests that are not sampled, so they cost no more than the decision.
 * Where nothing is exported there is no `Tracing`.
 */
export interface Tracing {
  /** A request from outside, that may bring the trace of its caller, or a job that is taken from a queue. */
  request(name: string, traceparent: string | undefined, attributes: SpanAttributes, kind?: 'server' | 'consumer'): TracedSpan | undefined;
  /**
   * A message that carries questions of several requests. It is in the trace of the first; the others and it are linked in both
   * directions. `requests` is not empty.
   */
  message(name: string, requests: readonly [TracedSpan, ...TracedSpan[]], attributes: SpanAttributes): TracedSpan;
  /** What this process does for another one's message; untraced when that is. */
  served(name: string, traceparent: string | undefined, attributes: SpanAttributes): TracedSpan | undefined;
  /**
   * Work on messages that were handed over for later and are dealt with together: a span in the trace of each. The first is linked to
   * what handed over the others, and theirs to it, so that each leads to all. Of several messages in one trace the first counts.
   */
  taken(name: string, traceparents: readonly string[], attributes: SpanAttributes): readonly TracedSpan[];
}

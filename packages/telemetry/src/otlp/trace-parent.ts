/**
 * The trace context of a request as it travels in headers of HTTP and of the bus, by the W3C's Trace Context, level 1:
 *
 *   traceparent  "00-" trace id (32 hex digits) "-" span id (16) "-" flags (2; bit 0: sampled); lower case, neither id all zeros
 *
 * Later versions may append fields after another "-"; what they say first is the same.
 */
export const TRACE_PARENT = 'traceparent';

export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const PATTERN = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.{0,200})?$/;

/** Undefined for anything else: a trace that cannot be read is left, the request is not. */
export function parseTraceParent(text: string | undefined): TraceParent | undefined {
  if (text === undefined) return undefined;
  const [, version, traceId, spanId, flags, more] = PATTERN.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === '00' && more !== undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceParent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

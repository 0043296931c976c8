/** Tracing by OpenTelemetry's SDK. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace, type Context, type Link, type Span, type Tracer } from '@opentelemetry/api';
import { TELEMETRY_LIMITS } from '../limits.ts';
import { formatTraceParent, parseTraceParent, type TraceParent } from './trace-parent.ts';
import type { SpanAttributes, TracedSpan, Tracing } from './tracing.ts';

class RunningSpan implements TracedSpan {
  readonly span: Span;
  readonly traceId: string;
  readonly spanId: string;
  readonly #tracer: Tracer;

  constructor(tracer: Tracer, span: Span) {
    this.#tracer = tracer;
    this.span = span;
    const { traceId, spanId } = span.spanContext();
    this.traceId = traceId;
    this.spanId = spanId;
  }

  get parent(): string {
    return formatTraceParent({ traceId: this.traceId, spanId: this.spanId, sampled: true });
  }

  get context(): Context {
    return trace.setSpan(ROOT_CONTEXT, this.span);
  }

  child(name: string, attributes: SpanAttributes, kind: 'internal' | 'producer' = 'internal'): TracedSpan {
    return new RunningSpan(this.#tracer, this.#tracer.startSpan(name, { kind: kind === 'producer' ? SpanKind.PRODUCER : SpanKind.INTERNAL, attributes }, this.context));
  }

  end(attributes: SpanAttributes = {}, error?: string): void {
    this.span.setAttributes(attributes);
    if (error !== undefined) this.span.setAttribute('error.type', error).setStatus({ code: SpanStatusCode.ERROR });
    this.span.end();
  }
}

const linkTo = (span: Span): Link => ({ context: span.spanContext() });

export class SpanTracing implements Tracing {
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  request(name: string, traceparent: string | undefined, attributes: SpanAttributes, kind: 'server' | 'consumer' = 'server'): TracedSpan | undefined {
    return this.#sampled(this.#tracer.startSpan(name, { kind: kind === 'server' ? SpanKind.SERVER : SpanKind.CONSUMER, attributes }, remoteContext(traceparent)));
  }

  message(name: string, requests: readonly [TracedSpan, ...TracedSpan[]], attributes: SpanAttributes): TracedSpan {
    // One request may have several questions in a message.
    const [first, ...others] = [...new Set(requests)].filter((request) => request instanceof RunningSpan).slice(0, TELEMETRY_LIMITS.linksPerSpan + 1);
    const links = others.map(({ span }) => linkTo(span));
    const message = new RunningSpan(this.#tracer, this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes, links }, first?.context));
    for (const { span } of others) span.addLink(linkTo(message.span));
    return message;
  }

  served(name: string, traceparent: string | undefined, attributes: SpanAttributes): TracedSpan | undefined {
    const parent = parseTraceParent(traceparent);
    if (parent?.sampled !== true) return undefined;
    return this.#sampled(this.#tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, remoteContext(traceparent)));
  }

  taken(name: string, traceparents: readonly string[], attributes: SpanAttributes): readonly TracedSpan[] {
    const byTrace = new Map<string, Context>();
    for (const text of traceparents) {
      const parent = parseTraceParent(text);
      if (parent?.sampled === true && byTrace.size <= TELEMETRY_LIMITS.linksPerSpan && !byTrace.has(parent.traceId)) byTrace.set(parent.traceId, contextOf(parent));
    }
    const [first, ...others] = byTrace.values();
    if (first === undefined) return [];
    const take = (parent: Context, links: readonly Link[]): Span => this.#tracer.startSpan(name, { kind: SpanKind.CONSUMER, attributes, links: [...links] }, parent);
    const span = take(first, others.flatMap((parent) => trace.getSpanContext(parent) ?? []).map((context) => ({ context })));
    return [span, ...others.map((parent) => take(parent, [linkTo(span)]))].flatMap((one) => this.#sampled(one) ?? []);
  }

  #sampled(span: Span): TracedSpan | undefined {
    return span.isRecording() ? new RunningSpan(this.#tracer, span) : undefined;
  }
}

function remoteContext(traceparent: string | undefined): Context {
  const parent = parseTraceParent(traceparent);
  return parent === undefined ? ROOT_CONTEXT : contextOf(parent);
}

function contextOf({ traceId, spanId, sampled }: TraceParent): Context {
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, isRemote: true, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE });
}

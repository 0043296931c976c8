import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, it } from 'vitest';
import { TELEMETRY_LIMITS } from '../limits.ts';
import { SpanTracing } from './span-tracing.ts';
import { formatTraceParent } from './trace-parent.ts';

function recorded() {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  return { tracing: new SpanTracing(provider.getTracer('test')), spans: () => exporter.getFinishedSpans() };
}

const parentOf = (index: number, sampled = true): string => formatTraceParent({ traceId: (index + 1).toString(16).padStart(32, '0'), spanId: (index + 1).toString(16).padStart(16, '0'), sampled });

it('has a span in the trace of each message that is dealt with, the first linked with the others', () => {
  const { tracing, spans } = recorded();
  const taken = tracing.taken('slot apply', [parentOf(0), parentOf(1), parentOf(0), parentOf(2, false), 'nothing'], { 'shoal.slot': 1 });
  for (const span of taken) span.end();
  const [first, second] = spans();
  expect(spans()).toHaveLength(2);
  expect(first?.spanContext().traceId).toBe('1'.padStart(32, '0'));
  expect(first?.parentSpanContext?.spanId).toBe('1'.padStart(16, '0'));
  expect(first?.links.map(({ context }) => context.spanId)).toEqual(['2'.padStart(16, '0')]);
  expect(second?.spanContext().traceId).toBe('2'.padStart(32, '0'));
  expect(second?.links.map(({ context }) => context.spanId)).toEqual([first?.spanContext().spanId]);
});

it('follows a bounded number of the messages that are dealt with together, and none when none is sampled', () => {
  const { tracing } = recorded();
  expect(tracing.taken('slot apply', [parentOf(0, false), ''], {})).toEqual([]);
  expect(tracing.taken('slot apply', Array.from({ length: 1_000 }, (_, index) => parentOf(index)), {})).toHaveLength(TELEMETRY_LIMITS.linksPerSpan + 1);
});

it('hands a message over from a span of its own', () => {
  const { tracing, spans } = recorded();
  const request = tracing.request('PUT', undefined, {});
  request?.child('log publish', {}, 'producer').end();
  request?.end({}, 'overloaded');
  expect(spans().map(({ name, kind, status }) => [name, kind, status.code])).toEqual([['log publish', 3, 0], ['PUT', 1, 2]]);
});

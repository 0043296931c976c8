/** Lines of pino as log records of OpenTelemetry. */
import { ROOT_CONTEXT, SeverityNumber, TraceFlags, trace, type AnyValue, type Attributes, type Context, type LogRecord } from '@opentelemetry/api';

/** Levels of pino, by the numbers in its lines. */
const SEVERITIES: ReadonlyMap<unknown, readonly [SeverityNumber, string]> = new Map([
  [10, [SeverityNumber.TRACE, 'TRACE']], [20, [SeverityNumber.DEBUG, 'DEBUG']], [30, [SeverityNumber.INFO, 'INFO']],
  [40, [SeverityNumber.WARN, 'WARN']], [50, [SeverityNumber.ERROR, 'ERROR']], [60, [SeverityNumber.FATAL, 'FATAL']],
]);

/** Members that have a place of their own in a record, or in the resource that sends it. */
const PLACED = new Set(['level', 'time', 'msg', 'pid', 'hostname', 'service', 'trace_id', 'span_id', 'err']);

type Line = Readonly<Record<string, unknown>>;

/** Undefined for what is no line of pino. */
export function logRecordOf(text: string): LogRecord | undefined {
  let line: Line;
  try {
    line = JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
  const { level, time, msg } = line;
  if (typeof time !== 'number') return undefined;
  const [severityNumber, severityText] = SEVERITIES.get(level) ?? [SeverityNumber.UNSPECIFIED, String(level)];
  return { timestamp: time, severityNumber, severityText, body: typeof msg === 'string' ? msg : '', attributes: attributesOf(line), context: contextOf(line) };
}

function attributesOf(line: Line): Attributes {
  const own = Object.entries(line).filter(([name]) => !PLACED.has(name)) as [string, AnyValue][];
  return { ...Object.fromEntries(own), ...exceptionOf(line['err']) };
}

/** An error by the names of the semantic conventions. */
function exceptionOf(error: unknown): Attributes {
  if (typeof error !== 'object' || error === null) return {};
  const { type, message, stack, code } = error as Line;
  const texts: readonly (readonly [string, unknown])[] = [['exception.type', type], ['exception.message', message], ['exception.stacktrace', stack], ['error.type', code]];
  return Object.fromEntries(texts.filter((entry): entry is readonly [string, string] => typeof entry[1] === 'string'));
}

/** The trace of the request that the line is about. */
function contextOf({ trace_id: traceId, span_id: spanId }: Line): Context {
  if (typeof traceId !== 'string' || typeof spanId !== 'string') return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED });
}

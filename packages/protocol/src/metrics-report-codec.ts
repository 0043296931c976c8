/**
 * The announcement of a service's metrics.
 *
 *     report = "SHLM" version:u8=1 type:u8=0 zero:u16 MetricsReport as UTF-8 JSON, to the end crc:u32     (envelope: message-envelope.ts)
 *
 * Members and operations that this release does not know are ignored, for services may be newer than the gateways that listen.
 */
import { isJsonObject, parseArray, parseChoice, parseWholeNumber, requiredMember, type Fields } from './field-parsers.ts';
import { parseEmbeddingCode } from './ids.ts';
import { beginMessage, ENVELOPE_BYTES, openMessage } from './message-envelope.ts';
import { METRICS_SERVICES, REPORTED_OPERATIONS, type MetricsReport, type ReportedEmbedding, type ReportedFigures, type ReportedFiguresByOperation, type ReportedRecall } from './metrics-report.ts';
import { ShoalError } from './shoal-error.ts';

const KIND = { magic: 'SHLM', version: 1, subject: 'metrics report' } as const;

/** Bounds of what is read; a service sends far less. */
const INSTANCE_CHARS = 64;
const BUCKETS = 20;
const ERROR_CODES = 256;
const EMBEDDINGS = 1_000;

export function encodeMetricsReport(report: MetricsReport): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(report));
  const writer = beginMessage(KIND, 0, 0, ENVELOPE_BYTES + json.byteLength);
  writer.raw(json);
  return writer.seal();
}

/** Throws `corrupt_message` or `unsupported_version`. */
export function decodeMetricsReport(bytes: Uint8Array): MetricsReport {
  const { type, extra, body } = openMessage(KIND, bytes);
  if (type !== 0 || extra !== 0) throw body.error('its reserved bytes are not zero', 'type');
  const text = body.text(body.remainingBytes, 'report');
  try {
    return parseReport(objectOf(JSON.parse(text), 'report'));
  } catch (cause) {
    if (cause instanceof ShoalError) throw body.error(`${cause.field ?? 'a member'} cannot be read`, cause.field, cause);
    if (cause instanceof SyntaxError) throw body.error('it is not JSON', 'report', cause);
    throw cause;
  }
}

function objectOf(value: unknown, field: string): Fields {
  if (!isJsonObject(value)) throw new ShoalError('invalid_field', `${field} must be a JSON object.`, { field });
  return value;
}

function counter(value: unknown, field: string): number {
  return parseWholeNumber(value, field, 0, Number.MAX_SAFE_INTEGER);
}

function parseReport(fields: Fields): MetricsReport {
  const instance = requiredMember(fields, '', 'instance');
  if (typeof instance !== 'string' || instance.length === 0 || instance.length > INSTANCE_CHARS) {
    throw new ShoalError('invalid_field', 'instance must be a short text.', { field: 'instance', limit: INSTANCE_CHARS });
  }
  return {
    service: parseChoice(requiredMember(fields, '', 'service'), 'service', METRICS_SERVICES),
    instance,
    startedAtMs: counter(requiredMember(fields, '', 'startedAtMs'), 'startedAtMs'),
    count: counter(requiredMember(fields, '', 'count'), 'count'),
    operations: parseOperations(requiredMember(fields, '', 'operations'), 'operations'),
    embeddings: parseArray(requiredMember(fields, '', 'embeddings'), 'embeddings', 0, EMBEDDINGS).map(parseEmbedding),
    recall: parseArray(requiredMember(fields, '', 'recall'), 'recall', 0, EMBEDDINGS).map(parseRecall),
  };
}

function parseEmbedding(value: unknown, index: number): ReportedEmbedding {
  const path = `embeddings[${index}]`;
  const fields = objectOf(value, path);
  return { code: parseEmbeddingCode(requiredMember(fields, path, 'code'), `${path}.code`), operations: parseOperations(requiredMember(fields, path, 'operations'), `${path}.operations`) };
}

function parseRecall(value: unknown, index: number): ReportedRecall {
  const path = `recall[${index}]`;
  const fields = objectOf(value, path);
  const count = (name: string): number => counter(requiredMember(fields, path, name), `${path}.${name}`);
  return { code: parseEmbeddingCode(requiredMember(fields, path, 'code'), `${path}.code`), searches: count('searches'), expected: count('expected'), found: count('found') };
}

function parseOperations(value: unknown, path: string): ReportedFiguresByOperation {
  const fields = objectOf(value, path);
  return Object.fromEntries(REPORTED_OPERATIONS.flatMap((operation) => {
    const figures = Object.hasOwn(fields, operation) ? fields[operation] : undefined;
    return figures === undefined ? [] : [[operation, parseFigures(figures, `${path}.${operation}`)]];
  }));
}

function parseFigures(value: unknown, path: string): ReportedFigures {
  const fields = objectOf(value, path);
  const errors = Object.entries(objectOf(requiredMember(fields, path, 'errors'), `${path}.errors`));
  if (errors.length > ERROR_CODES) throw new ShoalError('invalid_field', `${path}.errors has too many members.`, { field: `${path}.errors`, limit: ERROR_CODES });
  return {
    buckets: parseArray(requiredMember(fields, path, 'buckets'), `${path}.buckets`, BUCKETS, BUCKETS).map((count, bucket) => counter(count, `${path}.buckets[${bucket}]`)),
    sumNs: counter(requiredMember(fields, path, 'sumNs'), `${path}.sumNs`),
    errors: Object.fromEntries(errors.map(([code, count]) => [code, counter(count, `${path}.errors.${code}`)])),
  };
}

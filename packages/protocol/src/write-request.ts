/** The requests that write vectors: as one JSON body, as lines of JSON, and what the query string adds to lines and binary bodies. */
import type { Distance } from './embedding-spec.ts';
import { parseArray, parseChoice, parseFields, requiredMember } from './field-parsers.ts';
import type { Fields } from './field-parsers.ts';
import { parseSequence, parseVectorKey } from './ids.ts';
import type { Sequence } from './ids.ts';
import { LIMITS } from './limits.ts';
import type { DeclaredFields } from './payload-fields.ts';
import { parsePayload } from './payload.ts';
import { ShoalError } from './shoal-error.ts';
import type { VectorRecord } from './vector-body.ts';
import { parseVectorValues } from './vector-values.ts';

export const WRITE_MODES = ['upsert', 'insert'] as const;
/** `upsert` replaces a vector of the same key; `insert` leaves it alone and reports `exists`. */
export type WriteMode = (typeof WRITE_MODES)[number];

export const WAITS = ['logged', 'applied'] as const;
/** `logged`: durable in the log. `applied`: also applied by a replica, with the outcome of each item. */
export type Wait = (typeof WAITS)[number];

/** The part of an embedding that its vectors are checked against. */
export interface VectorSpace {
  readonly dim: number;
  readonly distance: Distance;
  /** What payloads must fit; nothing when absent. */
  readonly fields?: DeclaredFields;
}

export interface WriteOptions {
  readonly mode: WriteMode;
  readonly wait: Wait;
}

/** 1 to LIMITS.vectorsPerRequest vectors in the caller's order; a key may come twice, and then the later one counts. */
export interface WriteRequest extends WriteOptions {
  readonly vectors: readonly VectorRecord[];
}

export const NDJSON_MEDIA_TYPE = 'application/x-ndjson';

const BODY_FIELDS = ['vectors', 'mode', 'wait'] as const;
const OPTION_FIELDS = ['mode', 'wait'] as const;
const VECTOR_FIELDS = ['key', 'values', 'payload', 'ifSequence'] as const;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** `wait` of a request, `logged` where it is missing. */
export function parseWait(value: unknown): Wait {
  return value === undefined ? 'logged' : parseChoice(value, 'wait', WAITS);
}

function writeOptions(fields: Fields): WriteOptions {
  return { mode: fields['mode'] === undefined ? 'upsert' : parseChoice(fields['mode'], 'mode', WRITE_MODES), wait: parseWait(fields['wait']) };
}

/** The query string of a write whose body has no place for options: `?mode=insert&wait=applied`. */
export function parseWriteOptions(query: unknown): WriteOptions {
  return writeOptions(parseFields(query, '', OPTION_FIELDS));
}

/** `ifSequence` of an item: the sequence that its vector must have, 0 for "no vector"; nothing where it is missing. */
export function parseIfSequence(fields: Fields, path: string): { readonly ifSequence?: Sequence } {
  const value = fields['ifSequence'];
  return value === undefined ? {} : { ifSequence: parseSequence(value, `${path}.ifSequence`) };
}

function parseVector(value: unknown, index: number, { dim, distance, fields: declared = [] }: VectorSpace): VectorRecord {
  const path = `vectors[${index}]`;
  const fields = parseFields(value, path, VECTOR_FIELDS);
  const key = parseVectorKey(requiredMember(fields, path, 'key'), `${path}.key`);
  const values = parseVectorValues(requiredMember(fields, path, 'values'), dim, distance, `${path}.values`);
  const payload = fields['payload'] === undefined ? {} : { payload: parsePayload(fields['payload'], `${path}.payload`, declared) };
  return { key, values, ...payload, ...parseIfSequence(fields, path) };
}

/** The body `{vectors: [{key, values, payload?, ifSequence?}], mode?, wait?}`. Every error names the field, as in `vectors[3].values[7]`. */
export function parseWriteRequest(body: unknown, space: VectorSpace): WriteRequest {
  const fields = parseFields(body, '', BODY_FIELDS);
  const options = writeOptions(fields);
  const vectors = parseArray(requiredMember(fields, '', 'vectors'), 'vectors', 1, LIMITS.vectorsPerRequest);
  return { vectors: vectors.map((vector, index) => parseVector(vector, index, space)), ...options };
}

function wrongLineCount(limit: number): ShoalError {
  return new ShoalError('invalid_field', `vectors must have 1 to ${LIMITS.vectorsPerRequest} items, one per line.`, { field: 'vectors', limit });
}

function parseLine(line: string, lineNumber: number, field: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new ShoalError('malformed_json', `Line ${lineNumber} is not valid JSON.`, { field, cause });
  }
}

/**
 * A body of lines, each `{key, values, payload?}`; blank lines are skipped. `vectors[i]` in errors counts the vectors from 0,
 * `Line n` in messages the lines from 1.
 */
export function parseWriteLines(body: Uint8Array, options: WriteOptions, space: VectorSpace): WriteRequest {
  const text = decodeLines(body);
  const vectors: VectorRecord[] = [];
  let start = 0;
  for (let lineNumber = 1; start < text.length; lineNumber++) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    const line = text.slice(start, end);
    start = end + 1;
    if (line.trim() === '') continue;
    if (vectors.length === LIMITS.vectorsPerRequest) throw wrongLineCount(LIMITS.vectorsPerRequest);
    const index = vectors.length;
    vectors.push(parseVector(parseLine(line, lineNumber, `vectors[${index}]`), index, space));
  }
  if (vectors.length === 0) throw wrongLineCount(1);
  return { vectors, ...options };
}

function decodeLines(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new ShoalError('malformed_body', 'The body is not UTF-8.', { field: 'body', cause });
  }
}

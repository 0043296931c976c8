/** Which fields of a row are its key, its vector and its payload. */
import { ShoalError, checkVector, parsePayload, parseVectorKey, parseVectorValues, type ColumnMapping, type DeclaredFields, type Distance } from '@shoal/protocol';
import type { GoodRow, RawRow, ReadRow } from './row.ts';
import { JOB_LIMITS } from '../limits.ts';

export interface RowSettings {
  readonly mapping: ColumnMapping;
  /** A row without a key gets this and its number. */
  readonly keyPrefix: string;
  readonly dim: number;
  readonly distance: Distance;
  /** Members of payloads that have a type. */
  readonly fields?: DeclaredFields;
}

const DEFAULT_KEY = 'key';
const DEFAULT_VECTOR = 'values';
const DEFAULT_PAYLOAD = 'payload';
type Fields = Readonly<Record<string, unknown>>;

/** The columns that a mapping names, for formats that can leave out others; undefined when every column may be needed. */
export function columnsOf({ key, vector, payload }: ColumnMapping): readonly string[] | undefined {
  if (payload === undefined) return undefined;
  return [key ?? DEFAULT_KEY, ...(typeof vector === 'object' ? vector : [vector ?? DEFAULT_VECTOR]), ...payload];
}

/** A key may have been a number in the file. */
function keyOf(fields: Fields | undefined, row: number, { mapping, keyPrefix }: RowSettings): string {
  const column = mapping.key ?? DEFAULT_KEY;
  const value = fields?.[column];
  if (value === undefined || value === null) {
    if (mapping.key !== undefined) throw new ShoalError('invalid_key', `the row has no "${column}".`, { field: column });
    return parseVectorKey(`${keyPrefix}${row}`);
  }
  if (typeof value === 'number' || typeof value === 'bigint') return parseVectorKey(String(value));
  return parseVectorKey(value);
}

/** Text such as `[1, 2]`, `1 2` or `1;2`, as csv has it. */
function componentsOfText(text: string): unknown {
  const trimmed = text.trim();
  if (!trimmed.startsWith('[')) return trimmed === '' ? [] : trimmed.split(/[\s;,]+/).map(Number);
  try {
    return JSON.parse(trimmed);
  } catch {
    throw new ShoalError('invalid_vector', 'the vector is no JSON array.');
  }
}

function valuesOf(raw: RawRow, { mapping, dim, distance }: RowSettings): Float32Array {
  const vector = mapping.vector ?? DEFAULT_VECTOR;
  const field = typeof vector === 'string' ? vector : 'vector';
  if (raw.components !== undefined) {
    checkVector(raw.components, dim, distance, field);
    return raw.components;
  }
  const fields = raw.fields ?? {};
  if (typeof vector !== 'string') {
    const parts = vector.map((name) => (typeof fields[name] === 'string' ? (fields[name].trim() === '' ? NaN : Number(fields[name])) : fields[name]));
    return parseVectorValues(parts, dim, distance, field);
  }
  const value = fields[vector];
  if (value === undefined || value === null) throw new ShoalError('missing_field', `the row has no "${vector}".`, { field });
  if (ArrayBuffer.isView(value)) return parseVectorValues(Array.from(value as unknown as ArrayLike<number>), dim, distance, field);
  return parseVectorValues(typeof value === 'string' ? componentsOfText(value) : value, dim, distance, field);
}

/** What JSON has no form for becomes the nearest that it has. */
function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>, jsonValue);
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, jsonValue(member)]));
  return value;
}

function payloadObject(value: unknown): unknown {
  if (typeof value !== 'string') return jsonValue(value);
  try {
    return value.trim() === '' ? undefined : JSON.parse(value);
  } catch {
    throw new ShoalError('invalid_field', 'the payload is no JSON object.', { field: DEFAULT_PAYLOAD });
  }
}

function payloadOf(fields: Fields | undefined, { mapping, fields: declared }: RowSettings): GoodRow['payload'] {
  if (fields === undefined) return undefined;
  if (mapping.payload === undefined && fields[DEFAULT_PAYLOAD] !== undefined && fields[DEFAULT_PAYLOAD] !== null) {
    const payload = payloadObject(fields[DEFAULT_PAYLOAD]);
    if (payload === undefined) return undefined;
    parsePayload(payload, DEFAULT_PAYLOAD, declared);
    return payload as Record<string, unknown>;
  }
  const taken = new Set([mapping.key ?? DEFAULT_KEY, DEFAULT_PAYLOAD, ...(typeof mapping.vector === 'object' ? mapping.vector : [mapping.vector ?? DEFAULT_VECTOR])]);
  const names = mapping.payload ?? Object.keys(fields).filter((name) => !taken.has(name));
  const members = names.filter((name) => fields[name] !== undefined && fields[name] !== null).map((name) => [name, jsonValue(fields[name])] as const);
  if (members.length === 0) return undefined;
  const payload = Object.fromEntries(members);
  parsePayload(payload, DEFAULT_PAYLOAD, declared);
  return payload;
}

/** Checks a row completely, so that a gateway has nothing to object to. `firstRow` is the number of the file's first row in the import. */
export function readRow(raw: RawRow, firstRow: number, settings: RowSettings): ReadRow {
  const place = { row: firstRow + raw.row, ...(raw.line === undefined ? {} : { line: raw.line }) };
  if (raw.fault !== undefined) return { ...place, ...raw.fault };
  try {
    const payload = payloadOf(raw.fields, settings);
    return { ...place, key: keyOf(raw.fields, place.row, settings), values: valuesOf(raw, settings), ...(payload === undefined ? {} : { payload }) };
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error;
    return { ...place, code: error.code, reason: error.message.slice(0, JOB_LIMITS.rejectionReasonChars) };
  }
}

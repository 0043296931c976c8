/** Imports: the request for one, its name, and the states it goes through. */
import { memberPath, parseArray, parseChoice, parseFields, requiredMember } from './field-parsers.ts';
import { parseEmbeddingName, type EmbeddingName, type OperationId } from './ids.ts';
import { LIMITS } from './limits.ts';
import { ShoalError } from './shoal-error.ts';

export const IMPORT_FORMATS = ['jsonl', 'ndjson', 'csv', 'npy', 'fvecs', 'bvecs', 'parquet', 'arrow', 'hdf5'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** `queued`, `planning`, `running` go on by themselves; `paused` until it is resumed or cancelled; the last three are the end. */
export const IMPORT_STATES = ['queued', 'planning', 'running', 'paused', 'done', 'failed', 'cancelled'] as const;
export type ImportState = (typeof IMPORT_STATES)[number];

/** 128 bits as 32 lower-case hexadecimal digits. */
export type ImportId = OperationId & { readonly importId: true };
const ID_PATTERN = /^[0-9a-f]{32}$/;

/** Which columns are the key, the vector and the payload. */
export interface ColumnMapping {
  /** Default: `key`; a file without that column has its rows numbered. */
  readonly key?: string;
  /** One column that holds all components, or one column per component. Default: `values`. */
  readonly vector?: string | readonly string[];
  /** Columns that form the payload. Default: `payload` where that is an object, else every other column. */
  readonly payload?: readonly string[];
}

export interface ImportRequest {
  readonly embedding: EmbeddingName;
  /** `https://`, `http://`, `s3://` addresses, or absolute paths on the machine of the worker. */
  readonly sources: readonly string[];
  /** What each file's extension says when absent. */
  readonly format?: ImportFormat;
  readonly mapping: ColumnMapping;
  /** A row without a key gets this and its number. */
  readonly keyPrefix: string;
  /** Between the fields of a csv row. */
  readonly delimiter?: string;
  /** Path of the array inside an HDF5 file. */
  readonly dataset?: string;
}

/** Undefined for a text that names no import. */
export function importIdOf(text: string): ImportId | undefined {
  return ID_PATTERN.test(text) ? (text as ImportId) : undefined;
}

function parseText(value: unknown, field: string, minimum: number, maximum: number): string {
  if (typeof value !== 'string' || value.length < minimum || value.length > maximum || !value.isWellFormed() || /\p{Cc}/u.test(value.replaceAll('\t', ''))) {
    throw new ShoalError('invalid_field', `${field} must be ${minimum} to ${maximum} characters without control characters.`, { field, limit: maximum });
  }
  return value;
}

const parseColumn = (value: unknown, field: string): string => parseText(value, field, 1, LIMITS.importColumnChars);

function parseColumns(value: unknown, field: string): readonly string[] {
  return parseArray(value, field, 1, LIMITS.importColumns).map((name, index) => parseColumn(name, `${field}[${index}]`));
}

function parseMapping(value: unknown): ColumnMapping {
  const { key, vector, payload } = parseFields(value, 'mapping', ['key', 'vector', 'payload']);
  return {
    ...(key === undefined ? {} : { key: parseColumn(key, 'mapping.key') }),
    ...(vector === undefined ? {} : { vector: Array.isArray(vector) ? parseColumns(vector, 'mapping.vector') : parseColumn(vector, 'mapping.vector') }),
    ...(payload === undefined ? {} : { payload: parseColumns(payload, 'mapping.payload') }),
  };
}

/** The body of POST /v1/imports. Throws `missing_field`, `unknown_field` or `invalid_field`. */
export function parseImportRequest(body: unknown): ImportRequest {
  const fields = parseFields(body, '', ['embedding', 'sources', 'format', 'mapping', 'keyPrefix', 'delimiter', 'dataset']);
  const { format, mapping, keyPrefix, delimiter, dataset } = fields;
  const sources = parseArray(requiredMember(fields, '', 'sources'), 'sources', 1, LIMITS.importSources);
  return {
    embedding: parseEmbeddingName(requiredMember(fields, '', 'embedding'), 'embedding'),
    sources: sources.map((source, index) => parseText(source, memberPath('', `sources[${index}]`), 1, LIMITS.importSourceChars)),
    ...(format === undefined ? {} : { format: parseChoice(format, 'format', IMPORT_FORMATS) }),
    mapping: mapping === undefined ? {} : parseMapping(mapping),
    keyPrefix: keyPrefix === undefined ? '' : parseText(keyPrefix, 'keyPrefix', 0, LIMITS.importKeyPrefixChars),
    ...(delimiter === undefined ? {} : { delimiter: parseText(delimiter, 'delimiter', 1, 8) }),
    ...(dataset === undefined ? {} : { dataset: parseText(dataset, 'dataset', 1, LIMITS.importColumnChars) }),
  };
}

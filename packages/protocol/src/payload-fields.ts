/**
 * Declared fields: top-level members of payloads that filters may name, each with a type. A payload that is written must fit
 * the declaration; a member that was stored before its field was declared and does not fit counts as absent.
 */
import { isJsonObject } from './field-parsers.ts';
import type { Fields } from './field-parsers.ts';
import { LIMITS } from './limits.ts';
import { ShoalError } from './shoal-error.ts';

export const FIELD_TYPES = ['keyword', 'keywords', 'integer', 'float', 'boolean', 'datetime'] as const;
/** `keywords` is a list of keywords; `datetime` is RFC 3339 text, kept to the millisecond. */
export type FieldType = (typeof FIELD_TYPES)[number];

export interface DeclaredField {
  readonly name: string;
  readonly type: FieldType;
}

/** In the order of their names, each name once. */
export type DeclaredFields = readonly DeclaredField[];

/** The value of a field as filters compare it: datetimes are milliseconds since 1970, a `keywords` field has several. */
export type FieldScalar = string | number | boolean;

/** JSON form of a declaration: `{"colour": "keyword", "year": "integer"}`. */
export type FieldsJson = { readonly [name: string]: FieldType };

const NAME_PATTERN = /^[A-Za-z][A-Za-z0-9_.-]*$/;
const DATETIME_PATTERN = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;
/** The years that four digits can say in UTC, whatever the offset. */
const FIRST_MS = Date.parse('0000-01-01T00:00:00Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');
const DAY_PATTERN = /^(\d{4})-(\d{2})-(\d{2})/;

function byName(a: DeclaredField, b: DeclaredField): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** A declaration from outside. Throws `invalid_field`, naming the field at fault and the limit. */
export function parseDeclaredFields(value: unknown, field = 'fields'): DeclaredFields {
  if (!isJsonObject(value)) throw new ShoalError('invalid_field', `${field} must be an object of names and types.`, { field });
  const entries = Object.entries(value);
  if (entries.length > LIMITS.fieldsPerEmbedding) {
    throw new ShoalError('invalid_field', `${field} may declare at most ${LIMITS.fieldsPerEmbedding} fields.`, { field, limit: LIMITS.fieldsPerEmbedding });
  }
  const declared = entries.map(([name, type]): DeclaredField => {
    const path = `${field}.${name.slice(0, 100)}`;
    if (name.length > LIMITS.fieldNameChars || !NAME_PATTERN.test(name)) {
      throw new ShoalError('invalid_field', `The name of a field must be 1 to ${LIMITS.fieldNameChars} letters, digits, "_", "." or "-", and start with a letter.`, { field: path, limit: LIMITS.fieldNameChars });
    }
    const known = FIELD_TYPES.find((choice) => choice === type);
    if (known === undefined) throw new ShoalError('invalid_field', `${path} must be one of ${FIELD_TYPES.join(', ')}.`, { field: path });
    return { name, type: known };
  });
  return declared.sort(byName);
}

export function fieldsToJson(fields: DeclaredFields): FieldsJson {
  return Object.fromEntries(fields.map(({ name, type }) => [name, type]));
}

/** Both declarations as one. Throws `field_conflict` when they give a name different types, `invalid_field` when they are too many. */
export function mergeDeclaredFields(existing: DeclaredFields, added: DeclaredFields): DeclaredFields {
  const merged = new Map(existing.map((one) => [one.name, one]));
  for (const one of added) {
    const known = merged.get(one.name);
    if (known !== undefined && known.type !== one.type) {
      throw new ShoalError('field_conflict', `The field ${one.name} is declared as ${known.type}, not ${one.type}; a type cannot change.`, { field: `fields.${one.name}` });
    }
    merged.set(one.name, one);
  }
  if (merged.size > LIMITS.fieldsPerEmbedding) {
    throw new ShoalError('invalid_field', `An embedding may have ${LIMITS.fieldsPerEmbedding} declared fields; with these it would have ${merged.size}.`, { field: 'fields', limit: LIMITS.fieldsPerEmbedding });
  }
  return [...merged.values()].sort(byName);
}

/** Milliseconds since 1970 of an RFC 3339 text; undefined when it is none, or names a day that there is not. */
export function datetimeMs(text: unknown): number | undefined {
  if (typeof text !== 'string' || !DATETIME_PATTERN.test(text)) return undefined;
  const [, year, month, day] = DAY_PATTERN.exec(text) ?? [];
  // Date.parse takes the 30th of February for a day in March.
  if (Number(day) > new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()) return undefined;
  const ms = Date.parse(text.toUpperCase().replace(/(\.\d{3})\d+/, '$1'));
  return ms >= FIRST_MS && ms <= LAST_MS ? ms : undefined;
}

export function isKeyword(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LIMITS.keywordBytes && value.isWellFormed() && Buffer.byteLength(value, 'utf8') <= LIMITS.keywordBytes;
}

const WANTED: { readonly [Type in FieldType]: string } = {
  keyword: `a string of at most ${LIMITS.keywordBytes} bytes`,
  keywords: `a list of at most ${LIMITS.keywordsPerField} strings of at most ${LIMITS.keywordBytes} bytes each`,
  integer: 'a whole number that a double holds exactly',
  float: 'a finite number',
  boolean: 'true or false',
  datetime: 'an RFC 3339 date and time, as in "2026-01-31T12:00:00Z"',
};

/** What a field of this type must be, for messages to people. */
export function wantedOf(type: FieldType): string {
  return WANTED[type];
}

/** -0 equals 0, and so must their places in an index. */
const plainNumber = (value: number): number => (value === 0 ? 0 : value);

/** One value as filters compare it; undefined when it does not fit the type. For `keywords` it is one item of the list. */
export function scalarOf(type: FieldType, value: unknown): FieldScalar | undefined {
  switch (type) {
    case 'keyword':
    case 'keywords':
      return isKeyword(value) ? value : undefined;
    case 'integer':
      return typeof value === 'number' && Number.isSafeInteger(value) ? plainNumber(value) : undefined;
    case 'float':
      return typeof value === 'number' && Number.isFinite(value) ? plainNumber(value) : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'datetime':
      return datetimeMs(value);
  }
}

const NONE: readonly FieldScalar[] = [];

/** The values of a field in a payload: none when it is absent, null or does not fit, several for `keywords` (each once). */
export function fieldValues(payload: Fields | undefined, { name, type }: DeclaredField): readonly FieldScalar[] {
  const value = payload !== undefined && Object.hasOwn(payload, name) ? payload[name] : undefined;
  if (value === undefined || value === null) return NONE;
  if (type !== 'keywords') {
    const scalar = scalarOf(type, value);
    return scalar === undefined ? NONE : [scalar];
  }
  if (!Array.isArray(value) || value.length > LIMITS.keywordsPerField || !value.every(isKeyword)) return NONE;
  return [...new Set(value)];
}

/** Refuses a payload whose declared fields have values of other types; null stands for absent. Throws `invalid_payload_field`. */
export function checkDeclaredFields(payload: Fields, declared: DeclaredFields, path: string): void {
  for (const one of declared) {
    const value = Object.hasOwn(payload, one.name) ? payload[one.name] : undefined;
    if (value === undefined || value === null) continue;
    const fits = one.type === 'keywords' ? Array.isArray(value) && value.length <= LIMITS.keywordsPerField && value.every(isKeyword) : scalarOf(one.type, value) !== undefined;
    if (!fits) {
      const field = `${path}.${one.name}`;
      throw new ShoalError('invalid_payload_field', `${field} must be ${WANTED[one.type]}, for the field is declared as ${one.type}.`, { field });
    }
  }
}

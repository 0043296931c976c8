/**
 * Parsers for the fields of JSON objects that come from outside. Each returns the typed value or throws a ShoalError
 * that names the field, by its path from the root, and the limit where there is one.
 */
import { ShoalError } from './shoal-error.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** The path of a member: `hnsw.m`; at the root just its name. */
export function memberPath(parent: string, name: string): string {
  return parent === '' ? name : `${parent}.${name}`;
}

export function isJsonObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object with no other members than `known`. The root (`field` empty) is the body itself. */
export function parseFields(value: unknown, field: string, known: readonly string[]): Fields {
  if (!isJsonObject(value)) {
    throw field === ''
      ? new ShoalError('malformed_body', 'The body must be a JSON object.', { field: 'body' })
      : new ShoalError('invalid_field', `${field} must be a JSON object.`, { field });
  }
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) {
      const path = memberPath(field, name.slice(0, 100));
      throw new ShoalError('unknown_field', `There is no field ${path} here; the fields are ${known.join(', ')}.`, { field: path });
    }
  }
  return value;
}

export function missingField(field: string): ShoalError {
  return new ShoalError('missing_field', `The field ${field} is missing.`, { field });
}

/** The member, or `missing_field`. */
export function requiredMember(fields: Fields, parent: string, name: string): unknown {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined) throw missingField(memberPath(parent, name));
  return value;
}

export function parseWholeNumber(value: unknown, field: string, minimum: number, maximum: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < minimum || value > maximum) {
    throw new ShoalError('invalid_field', `${field} must be a whole number from ${minimum} to ${maximum}.`, {
      field,
      limit: typeof value === 'number' && value < minimum ? minimum : maximum,
    });
  }
  return value;
}

/** One of a closed set of strings or numbers. */
export function parseChoice<const Choice extends string | number>(value: unknown, field: string, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new ShoalError('invalid_field', `${field} must be one of ${choices.join(', ')}.`, { field });
  return found;
}

export function parseBoolean(value: unknown, field: string): boolean {
  if (typeof value !== 'boolean') throw new ShoalError('invalid_field', `${field} must be true or false.`, { field });
  return value;
}

/** An array of `minimum` to `maximum` items. */
export function parseArray(value: unknown, field: string, minimum: number, maximum: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new ShoalError('invalid_field', `${field} must be an array.`, { field });
  const count = value.length;
  if (count < minimum || count > maximum) {
    throw new ShoalError('invalid_field', `${field} must have ${minimum} to ${maximum} items; it has ${count}.`, {
      field,
      limit: count < minimum ? minimum : maximum,
    });
  }
  return value;
}

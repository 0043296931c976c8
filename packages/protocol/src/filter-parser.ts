/**
 * Filters from JSON and back. Shards parse again what gateways have parsed, so a filter travels as its JSON text; the text
 * that `filterText` gives is the same for equal filters.
 */
import { isJsonObject, memberPath, parseArray, parseBoolean, parseFields } from './field-parsers.ts';
import type { Fields } from './field-parsers.ts';
import type { AnyOfFilter, CombinedFilter, ExistsFilter, Filter, FilterJson, FilterValue, KeysFilter, RangeFilter } from './filter.ts';
import { parseVectorKey } from './ids.ts';
import { LIMITS } from './limits.ts';
import { datetimeMs, scalarOf, wantedOf } from './payload-fields.ts';
import type { DeclaredField, DeclaredFields, FieldScalar } from './payload-fields.ts';
import { ShoalError } from './shoal-error.ts';

const CONDITIONS = ['equals', 'any_of', 'range', 'exists'] as const;
const COMBINERS = ['must', 'should', 'must_not'] as const;
const BOUNDS = ['gt', 'gte', 'lt', 'lte'] as const;
const utf8 = new TextEncoder();
const utf8Strict = new TextDecoder('utf-8', { fatal: true });

/** What is left of the budget of one filter while it is parsed. */
interface Budget {
  conditionsLeft: number;
}

/**
 * A filter over the declared fields. Throws `field_not_declared`, `invalid_field`, `unknown_field`, `missing_field` or `invalid_key`, naming the place
 * inside the filter and the limit.
 */
export function parseFilter(value: unknown, declared: DeclaredFields, path = 'filter'): Filter {
  const filter = parseAt(value, declared, path, 1, { conditionsLeft: LIMITS.filterConditions });
  if (Buffer.byteLength(filterText(filter, declared), 'utf8') > LIMITS.filterBytes) {
    throw new ShoalError('invalid_field', `${path} is larger than ${LIMITS.filterBytes} bytes as JSON.`, { field: path, limit: LIMITS.filterBytes });
  }
  return filter;
}

/** A filter that came as UTF-8 JSON text. */
export function parseFilterBytes(text: Uint8Array, declared: DeclaredFields, path = 'filter'): Filter {
  let value: unknown;
  try {
    value = JSON.parse(utf8Strict.decode(text));
  } catch (cause) {
    throw new ShoalError('invalid_field', `${path} is not JSON in UTF-8.`, { field: path, cause });
  }
  return parseFilter(value, declared, path);
}

function parseAt(value: unknown, declared: DeclaredFields, path: string, depth: number, budget: Budget): Filter {
  if (depth > LIMITS.filterDepth) {
    throw new ShoalError('invalid_field', `${path} is nested deeper than ${LIMITS.filterDepth} levels.`, { field: path, limit: LIMITS.filterDepth });
  }
  budget.conditionsLeft -= 1;
  if (budget.conditionsLeft < 0) {
    throw new ShoalError('invalid_field', `The filter has more than ${LIMITS.filterConditions} conditions.`, { field: path, limit: LIMITS.filterConditions });
  }
  if (!isJsonObject(value)) throw new ShoalError('invalid_field', `${path} must be a JSON object.`, { field: path });
  if (Object.hasOwn(value, 'key_in')) return parseKeys(parseFields(value, path, ['key_in']), path);
  if (Object.hasOwn(value, 'field')) return parseCondition(parseFields(value, path, ['field', ...CONDITIONS]), declared, path);
  return parseCombined(parseFields(value, path, [...COMBINERS, 'field', 'key_in']), declared, path, depth, budget);
}

function parseCombined(fields: Fields, declared: DeclaredFields, path: string, depth: number, budget: Budget): CombinedFilter {
  const clause = (name: (typeof COMBINERS)[number]): readonly Filter[] => {
    const value = fields[name];
    if (value === undefined) return [];
    const at = memberPath(path, name);
    if (!Array.isArray(value)) return [parseAt(value, declared, at, depth + 1, budget)];
    return parseArray(value, at, 1, LIMITS.filterConditions).map((item, index) => parseAt(item, declared, `${at}[${index}]`, depth + 1, budget));
  };
  const combined: CombinedFilter = { type: 'combined', must: clause('must'), should: clause('should'), mustNot: clause('must_not') };
  if (combined.must.length + combined.should.length + combined.mustNot.length === 0) {
    throw new ShoalError('missing_field', `${path} must have a condition: field, key_in, must, should or must_not.`, { field: path });
  }
  return combined;
}

function parseKeys(fields: Fields, path: string): KeysFilter {
  const at = `${path}.key_in`;
  const keys = parseArray(fields['key_in'], at, 0, LIMITS.filterValues).map((key, index) => parseVectorKey(key, `${at}[${index}]`));
  return { type: 'keys', keys: [...new Set(keys)] };
}

function declaredField(name: unknown, declared: DeclaredFields, path: string): DeclaredField {
  const found = declared.find((one) => one.name === name);
  if (found !== undefined) return found;
  const shown = typeof name === 'string' ? name.slice(0, 100) : 'of that name';
  const known = declared.length === 0 ? 'none are' : declared.map((one) => one.name).join(', ');
  throw new ShoalError('field_not_declared', `The field ${shown} is not declared, so it cannot be filtered or grouped (declared: ${known}). Declare it with POST /v1/embeddings/{name}/fields.`, { field: path });
}

/** The declared field of a name, for requests that name one outside a filter. Throws `field_not_declared`. */
export function parseFieldName(name: unknown, declared: DeclaredFields, path: string): DeclaredField {
  return declaredField(name, declared, path);
}

function parseCondition(fields: Fields, declared: DeclaredFields, path: string): AnyOfFilter | RangeFilter | ExistsFilter {
  const field = declaredField(fields['field'], declared, `${path}.field`);
  const [given, second] = CONDITIONS.filter((name) => fields[name] !== undefined);
  if (given === undefined) throw new ShoalError('missing_field', `${path} must have one of ${CONDITIONS.join(', ')}.`, { field: path });
  if (second !== undefined) throw new ShoalError('invalid_field', `${path} must have only one of ${CONDITIONS.join(', ')}.`, { field: `${path}.${second}` });
  const at = `${path}.${given}`;
  switch (given) {
    case 'equals':
      return { type: 'any_of', field: field.name, values: [parseValue(fields['equals'], field, at)] };
    case 'any_of': {
      const values = parseArray(fields['any_of'], at, 0, LIMITS.filterValues).map((value, index) => parseValue(value, field, `${at}[${index}]`));
      return { type: 'any_of', field: field.name, values: [...new Set(values)] };
    }
    case 'range':
      return parseRange(fields['range'], field, at);
    case 'exists':
      return { type: 'exists', field: field.name, exists: parseBoolean(fields['exists'], at) };
  }
}

function parseValue(value: unknown, field: DeclaredField, path: string): FieldScalar {
  const scalar = scalarOf(field.type, value);
  if (scalar !== undefined) return scalar;
  const wanted = wantedOf(field.type === 'keywords' ? 'keyword' : field.type);
  throw new ShoalError('invalid_field', `${path} must be ${wanted}, for ${field.name} is declared as ${field.type}.`, { field: path });
}

function parseRange(value: unknown, field: DeclaredField, path: string): RangeFilter {
  if (field.type !== 'integer' && field.type !== 'float' && field.type !== 'datetime') {
    throw new ShoalError('invalid_field', `${path} needs a field of type integer, float or datetime; ${field.name} is ${field.type}.`, { field: path });
  }
  const fields = parseFields(value, path, BOUNDS);
  const given = BOUNDS.filter((bound) => fields[bound] !== undefined);
  if (given.length === 0) throw new ShoalError('missing_field', `${path} must have at least one of ${BOUNDS.join(', ')}.`, { field: path });
  const bounds: { [Bound in (typeof BOUNDS)[number]]?: number } = {};
  for (const bound of given) bounds[bound] = parseBound(fields[bound], field, `${path}.${bound}`);
  return { type: 'range', field: field.name, ...bounds };
}

/** A bound of an integer field may lie between two integers. */
function parseBound(value: unknown, field: DeclaredField, path: string): number {
  const bound = field.type === 'datetime' ? datetimeMs(value) : scalarOf('float', value);
  if (typeof bound === 'number') return bound;
  throw new ShoalError('invalid_field', `${path} must be ${wantedOf(field.type === 'datetime' ? 'datetime' : 'float')}.`, { field: path });
}

/** The filter as callers write it. */
export function filterToJson(filter: Filter, declared: DeclaredFields): FilterJson {
  switch (filter.type) {
    case 'any_of':
      return { field: filter.field, any_of: filter.values.map((value) => valueToJson(value, filter.field, declared)) };
    case 'range': {
      const { type: _type, field, ...bounds } = filter;
      return { field, range: Object.fromEntries(Object.entries(bounds).map(([bound, value]) => [bound, valueToJson(value, field, declared) as number | string])) };
    }
    case 'exists':
      return { field: filter.field, exists: filter.exists };
    case 'keys':
      return { key_in: filter.keys };
    case 'combined': {
      const { must, should, mustNot } = filter;
      const clause = (name: string, filters: readonly Filter[]) => (filters.length === 0 ? {} : { [name]: filters.map((one) => filterToJson(one, declared)) });
      return { ...clause('must', must), ...clause('should', should), ...clause('must_not', mustNot) };
    }
  }
}

function valueToJson(value: FieldScalar, field: string, declared: DeclaredFields): FilterValue {
  const type = declared.find((one) => one.name === field)?.type;
  return type === 'datetime' && typeof value === 'number' ? new Date(value).toISOString() : value;
}

export function filterText(filter: Filter, declared: DeclaredFields): string {
  return JSON.stringify(filterToJson(filter, declared));
}

/** The filter as it travels: UTF-8 JSON text. */
export function filterBytes(filter: Filter, declared: DeclaredFields): Uint8Array {
  return utf8.encode(filterText(filter, declared));
}

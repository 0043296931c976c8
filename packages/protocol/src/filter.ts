/** Filters: conditions on declared fields and keys, combined by must, should and must_not. */
import type { FieldScalar } from './payload-fields.ts';
import type { VectorKey } from './ids.ts';

/** At least one value of the field is one of these. */
export interface AnyOfFilter {
  readonly type: 'any_of';
  readonly field: string;
  readonly values: readonly FieldScalar[];
}

/** The value of a number or datetime field lies between bounds, each of which may be missing; datetimes in milliseconds. */
export interface RangeFilter {
  readonly type: 'range';
  readonly field: string;
  readonly gt?: number;
  readonly gte?: number;
  readonly lt?: number;
  readonly lte?: number;
}

/** The field has a value, or has none. */
export interface ExistsFilter {
  readonly type: 'exists';
  readonly field: string;
  readonly exists: boolean;
}

export interface KeysFilter {
  readonly type: 'keys';
  readonly keys: readonly VectorKey[];
}

/** All of `must`, none of `mustNot`, and of `should`, where there are any, at least one. */
export interface CombinedFilter {
  readonly type: 'combined';
  readonly must: readonly Filter[];
  readonly should: readonly Filter[];
  readonly mustNot: readonly Filter[];
}

export type Filter = AnyOfFilter | RangeFilter | ExistsFilter | KeysFilter | CombinedFilter;

/** A scalar in JSON; datetimes are RFC 3339 text. */
export type FilterValue = string | number | boolean;

/** Bounds in JSON: numbers, or RFC 3339 text for datetimes. */
export interface FilterRangeJson {
  readonly gt?: number | string;
  readonly gte?: number | string;
  readonly lt?: number | string;
  readonly lte?: number | string;
}

type OneOrMore<Item> = Item | readonly Item[];

export interface CombinedFilterJson {
  readonly must?: OneOrMore<FilterJson>;
  readonly should?: OneOrMore<FilterJson>;
  readonly must_not?: OneOrMore<FilterJson>;
}

/** A filter as callers write it; docs/filters.md is its reference. */
export type FilterJson =
  | { readonly field: string; readonly equals: FilterValue }
  | { readonly field: string; readonly any_of: readonly FilterValue[] }
  | { readonly field: string; readonly range: FilterRangeJson }
  | { readonly field: string; readonly exists: boolean }
  | { readonly key_in: readonly string[] }
  | CombinedFilterJson;

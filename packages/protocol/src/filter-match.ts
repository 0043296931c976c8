/** Whether one vector passes a filter, from its payload alone. What the indexes of a shard answer must equal this. */
import type { Fields } from './field-parsers.ts';
import type { Filter, RangeFilter } from './filter.ts';
import { fieldValues } from './payload-fields.ts';
import type { DeclaredFields, FieldScalar } from './payload-fields.ts';

export interface FilterSubject {
  readonly key: string;
  readonly payload: Fields | undefined;
}

export function matchesFilter(filter: Filter, declared: DeclaredFields, subject: FilterSubject): boolean {
  const matches = (one: Filter): boolean => matchesFilter(one, declared, subject);
  switch (filter.type) {
    case 'keys':
      return filter.keys.some((key) => key === subject.key);
    case 'any_of':
      return valuesOf(filter.field, declared, subject).some((value) => filter.values.includes(value));
    case 'range':
      return valuesOf(filter.field, declared, subject).some((value) => typeof value === 'number' && isInRange(value, filter));
    case 'exists':
      return valuesOf(filter.field, declared, subject).length > 0 === filter.exists;
    case 'combined':
      return filter.must.every(matches) && !filter.mustNot.some(matches) && (filter.should.length === 0 || filter.should.some(matches));
  }
}

function valuesOf(field: string, declared: DeclaredFields, { payload }: FilterSubject): readonly FieldScalar[] {
  const known = declared.find((one) => one.name === field);
  return known === undefined ? [] : fieldValues(payload, known);
}

export function isInRange(value: number, { gt, gte, lt, lte }: Omit<RangeFilter, 'type' | 'field'>): boolean {
  return (gt === undefined || value > gt) && (gte === undefined || value >= gte) && (lt === undefined || value < lt) && (lte === undefined || value <= lte);
}

import type { DeclaredField, FieldScalar, RangeFilter } from '@shoal/protocol';
import { NumberIndex } from './number-index.ts';
import { PostingIndex } from './posting-index.ts';

/** The index of one field of one partition. What ids it has been told is all it knows; adding or removing twice changes nothing. */
export interface FieldIndex {
  readonly memoryBytes: number;
  add(id: number, values: readonly FieldScalar[]): void;
  remove(id: number, values: readonly FieldScalar[]): void;
  /** Adds the ids that have one of the values to a dense set that has room for every id. */
  anyOf(values: readonly FieldScalar[], into: Uint32Array): void;
  /** Adds the ids whose value lies in the range. */
  range(bounds: RangeFilter, into: Uint32Array): void;
  /** Adds the ids that have a value. */
  exists(into: Uint32Array): void;
}

export function openFieldIndex({ type }: DeclaredField): FieldIndex {
  switch (type) {
    case 'keyword':
    case 'keywords':
    case 'boolean':
      return new PostingIndex();
    case 'integer':
    case 'float':
    case 'datetime':
      return new NumberIndex();
  }
}

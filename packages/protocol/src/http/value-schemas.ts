/**
 * Schemas of the values that several requests and answers share. The schemas document the API (/openapi.json) and give
 * its types; requests are checked by the parsers, which name the field at fault and cost less.
 */
import { Type } from 'typebox';
import type { Static, TSchema } from 'typebox';
import type { FilterJson } from '../filter.ts';
import { LIMITS } from '../limits.ts';

type DeepReadonly<Value> = Value extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : Value extends object
    ? { readonly [Member in keyof Value]: DeepReadonly<Value[Member]> }
    : Value;

/** The JSON value that a schema describes, for reading only. */
export type JsonOf<Schema extends TSchema> = DeepReadonly<Static<Schema>>;

/** One of a closed set of strings. */
export function oneOf<const Choices extends readonly string[]>(choices: Choices, description: string) {
  return Type.Unsafe<Choices[number]>(Type.String({ enum: [...choices], description }));
}

export function wholeNumber(minimum: number, maximum: number, description: string, more: { default?: number; examples?: number[] } = {}) {
  return Type.Integer({ minimum, maximum, description, ...more });
}

/** An object that has these members and no others. */
export function closed<Members extends Record<string, TSchema>>(members: Members, description: string) {
  return Type.Object(members, { additionalProperties: false, description });
}

export const EmbeddingNameSchema = Type.String({
  minLength: 1,
  maxLength: LIMITS.nameChars,
  pattern: '^[a-z0-9][a-z0-9._-]*$',
  description: 'Name of the embedding inside its tenant.',
  examples: ['articles'],
});

export const VectorKeySchema = Type.String({
  minLength: 1,
  maxLength: LIMITS.keyBytes,
  description: `The caller's name for a vector, 1 to ${LIMITS.keyBytes} bytes of UTF-8.`,
  examples: ['article:17'],
});

export const ValuesSchema = Type.Array(Type.Number(), {
  minItems: 1,
  maxItems: LIMITS.dim,
  description: 'Components of a vector: as many finite 32-bit floats as the embedding has dimensions.',
  examples: [[0.12, -0.5, 0.33]],
});

export const PayloadSchema = Type.Record(Type.String(), Type.Unknown(), {
  description: `JSON object stored with the vector, at most ${LIMITS.payloadBytes} bytes as text and ${LIMITS.payloadDepth} levels deep.`,
  examples: [{ title: 'Shoals', year: 2024 }],
});

export const SequenceSchema = Type.Integer({ minimum: 0, description: 'Position in the log of the last message that changed the vector.', examples: [4711] });

export const IfSequenceSchema = Type.Integer({
  minimum: 0,
  description: 'Only when the vector has this sequence; 0: only when there is no vector. Otherwise the outcome is conflict.',
});

/** Conditions nest, which a schema cannot say shortly; docs/filters.md is the reference and the parser the judge. */
export const FilterSchema = Type.Unsafe<FilterJson>(
  Type.Object(
    {},
    {
      description: `Conditions on declared fields and keys: {field, equals | any_of | range | exists}, {key_in}, or {must, should, must_not}. At most ${LIMITS.filterDepth} levels and ${LIMITS.filterConditions} conditions.`,
      examples: [{ must: [{ field: 'colour', equals: 'red' }, { field: 'year', range: { gte: 2020 } }] }],
    },
  ),
);

export const ReceiptSchema = Type.Record(Type.String({ pattern: '^(0|[1-9][0-9]{0,3})$' }), Type.Integer({ minimum: 1 }), {
  additionalProperties: false,
  description: 'Proof of a write: for each slot that it reached, its last sequence there. Send it back as `after` to read what was written.',
  examples: [{ '17': 4711 }],
});

/** Declared fields, and changes of payloads. */
import { Type } from 'typebox';
import { LIMITS } from '../limits.ts';
import { FIELD_TYPES } from '../payload-fields.ts';
import { PAYLOAD_MODES } from '../payload-update-request.ts';
import { closed, IfSequenceSchema, oneOf, PayloadSchema, VectorKeySchema } from './value-schemas.ts';
import type { JsonOf } from './value-schemas.ts';
import { waitSchema } from './wait-schema.ts';

export const FieldsSchema = Type.Record(
  Type.String({ pattern: `^[A-Za-z][A-Za-z0-9_.-]{0,${LIMITS.fieldNameChars - 1}}$` }),
  oneOf(FIELD_TYPES, 'Type of the field.'),
  {
    additionalProperties: false,
    maxProperties: LIMITS.fieldsPerEmbedding,
    description: 'Members of payloads that filters may name, with their types.',
    examples: [{ colour: 'keyword', year: 'integer' }],
  },
);

export const DeclareRequestSchema = closed({ fields: FieldsSchema }, 'Fields to declare beside those that are.');
export type DeclareRequest = JsonOf<typeof DeclareRequestSchema>;

export const PayloadUpdateSchema = closed(
  {
    updates: Type.Array(
      closed({ key: VectorKeySchema, payload: PayloadSchema, ifSequence: Type.Optional(IfSequenceSchema) }, 'The change of one payload.'),
      { minItems: 1, maxItems: LIMITS.updatesPerRequest },
    ),
    mode: Type.Optional(oneOf(PAYLOAD_MODES, 'merge (the default) is a JSON merge patch, as in RFC 7396; replace gives the whole payload.')),
    wait: Type.Optional(waitSchema),
  },
  'Changes of payloads. Vectors stay; a key without a vector is no error and has the outcome absent.',
);
export type PayloadUpdateRequestJson = JsonOf<typeof PayloadUpdateSchema>;

/** Requests and answers that write, read and delete vectors. */
import { Type } from 'typebox';
import { LIMITS } from '../limits.ts';
import { OUTCOMES } from '../mutation.ts';
import type { Outcome } from '../mutation.ts';
import { WRITE_MODES } from '../write-request.ts';
import { closed, FilterSchema, IfSequenceSchema, oneOf, PayloadSchema, ReceiptSchema, SequenceSchema, ValuesSchema, VectorKeySchema, wholeNumber } from './value-schemas.ts';
import type { JsonOf } from './value-schemas.ts';
import { waitSchema } from './wait-schema.ts';

const mode = oneOf(WRITE_MODES, 'upsert (the default) replaces a vector of the same key; insert leaves it alone.');

export const VectorInputSchema = closed(
  { key: VectorKeySchema, values: ValuesSchema, payload: Type.Optional(PayloadSchema), ifSequence: Type.Optional(IfSequenceSchema) },
  'A vector to write; one line of an application/x-ndjson body.',
);

export const WriteRequestSchema = closed(
  {
    vectors: Type.Array(VectorInputSchema, { minItems: 1, maxItems: LIMITS.vectorsPerRequest }),
    mode: Type.Optional(mode),
    wait: Type.Optional(waitSchema),
  },
  'Vectors to write. When a key comes twice, the later one counts.',
);
export type WriteRequestJson = JsonOf<typeof WriteRequestSchema>;

const timeoutMs = wholeNumber(1, LIMITS.timeoutMs, 'Deadline of the request in milliseconds.');

export const WriteQuerySchema = closed(
  { mode: Type.Optional(mode), wait: Type.Optional(waitSchema), timeoutMs: Type.Optional(timeoutMs) },
  'Options of a write; mode and wait are for bodies other than application/json, which holds them itself.',
);

export const DeleteQuerySchema = closed({ wait: Type.Optional(waitSchema), timeoutMs: Type.Optional(timeoutMs) }, 'Options of a delete.');

export const DeadlineQuerySchema = closed({ timeoutMs: Type.Optional(timeoutMs) }, 'Options of a delete by keys.');

export const WriteHeadersSchema = Type.Object(
  {
    'idempotency-key': Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: LIMITS.idempotencyKeyChars,
        description: 'Names the write: repeating it with the same key and body changes nothing and has the outcomes of the first time.',
      }),
    ),
  },
  { description: 'Headers of a write.' },
);

export const VectorQuerySchema = closed(
  {
    after: Type.Optional(Type.String({ description: 'A receipt as JSON: the answer includes these writes.', examples: ['{"17":4711}'] })),
    timeoutMs: Type.Optional(timeoutMs),
  },
  'Options of a read.',
);

export const VectorByKeyQuerySchema = closed({ key: VectorKeySchema, ...VectorQuerySchema.properties }, 'Which vector, and options of the read.');

const outcomeNames = Object.keys(OUTCOMES) as Outcome[];

export const WriteResponseSchema = closed(
  {
    accepted: Type.Integer({ minimum: 0, description: 'Operations that are durable in the log.' }),
    receipt: ReceiptSchema,
    outcomes: Type.Optional(
      Type.Array(closed({ key: VectorKeySchema, outcome: oneOf(outcomeNames, 'What became of the operation.') }, 'One operation.'), {
        description: 'With wait applied: one per operation, in the order of the request.',
      }),
    ),
    deleted: Type.Optional(Type.Integer({ minimum: 0, description: 'Of a delete by filter with wait applied: how many vectors it deleted.' })),
  },
  'A write that is durable.',
);
export type WriteResponse = JsonOf<typeof WriteResponseSchema>;
export type DeleteResponse = WriteResponse;

export const DeleteRequestSchema = closed(
  {
    keys: Type.Optional(Type.Array(VectorKeySchema, { minItems: 1, maxItems: LIMITS.keysPerRequest, description: 'A key without a vector is no error.' })),
    filter: Type.Optional(FilterSchema),
    wait: Type.Optional(waitSchema),
  },
  'Vectors to delete: exactly one of keys and filter says which. A filter is evaluated where the delete stands in the log.',
);
export type DeleteRequestJson = JsonOf<typeof DeleteRequestSchema>;

export const VectorResponseSchema = closed(
  { key: VectorKeySchema, values: ValuesSchema, payload: Type.Optional(PayloadSchema), sequence: Type.Optional(SequenceSchema) },
  'A stored vector, its components as they were sent.',
);
export type VectorResponse = JsonOf<typeof VectorResponseSchema>;

/** Reading all vectors page by page, and counting them. */
import { Type } from 'typebox';
import { DEFAULTS, LIMITS } from '../limits.ts';
import { INCLUDES } from '../search-request.ts';
import { closed, FilterSchema, oneOf, PayloadSchema, ReceiptSchema, SequenceSchema, ValuesSchema, VectorKeySchema, wholeNumber } from './value-schemas.ts';
import type { JsonOf } from './value-schemas.ts';

const common = {
  filter: Type.Optional(FilterSchema),
  after: Type.Optional(ReceiptSchema),
  timeoutMs: Type.Optional(wholeNumber(1, LIMITS.timeoutMs, 'Deadline in milliseconds.', { default: DEFAULTS.searchTimeoutMs })),
};

export const CountRequestSchema = closed(common, 'Which vectors to count; without a filter all of them.');
export type CountRequestJson = JsonOf<typeof CountRequestSchema>;

export const CountResponseSchema = closed({ count: Type.Integer({ minimum: 0, description: 'Vectors that pass the filter.' }) }, 'How many there are.');
export type CountResponse = JsonOf<typeof CountResponseSchema>;

export const ScrollRequestSchema = closed(
  {
    ...common,
    limit: Type.Optional(wholeNumber(1, LIMITS.scrollPage, 'Vectors wanted at most; a page may have fewer, even none, and not be the last.', { default: DEFAULTS.scrollPage })),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: LIMITS.scrollCursorChars, description: 'The cursor of the page before; the first page has none.' })),
    include: Type.Optional(Type.Array(oneOf(INCLUDES, 'What to return with each vector.'), { maxItems: INCLUDES.length })),
  },
  'A page of vectors.',
);
export type ScrollRequestJson = JsonOf<typeof ScrollRequestSchema>;

export const ScrollResponseSchema = closed(
  {
    vectors: Type.Array(
      closed({ key: VectorKeySchema, sequence: SequenceSchema, values: Type.Optional(ValuesSchema), payload: Type.Optional(PayloadSchema) }, 'One vector.'),
    ),
    cursor: Type.Optional(Type.String({ description: 'Leads to the next page; there is none when it is missing.' })),
  },
  'A page of vectors. No key comes twice, and every vector that was there from the first page to the last comes once.',
);
export type ScrollResponse = JsonOf<typeof ScrollResponseSchema>;

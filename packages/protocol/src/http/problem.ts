/** Errors on the wire: problem details as in RFC 9457. */
import { Type } from 'typebox';
import { ERROR_REGISTRY } from '../error-registry.ts';
import type { ErrorCode } from '../error-registry.ts';
import type { ShoalError } from '../shoal-error.ts';
import { closed, oneOf, ReceiptSchema } from './value-schemas.ts';
import type { JsonOf } from './value-schemas.ts';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

export const ProblemSchema = closed(
  {
    type: Type.String({ description: 'Identifies the kind of problem.', examples: ['urn:shoal:error:dimension_mismatch'] }),
    title: Type.String({ description: 'The kind of problem in words; always the same for a code.' }),
    status: Type.Integer({ minimum: 400, maximum: 599, description: 'The HTTP status again.' }),
    detail: Type.String({ description: 'What is wrong with this request.' }),
    code: oneOf(Object.keys(ERROR_REGISTRY) as ErrorCode[], 'The code to act upon; codes are never renamed.'),
    retryable: Type.Boolean({ description: 'Whether the same request may succeed later.' }),
    field: Type.Optional(Type.String({ description: 'The field at fault.', examples: ['vectors[3].values[7]'] })),
    limit: Type.Optional(Type.Number({ description: 'The limit that was passed, in the unit of the field.' })),
    receipt: Type.Optional(ReceiptSchema),
    requestId: Type.String({ description: 'Names this request in the logs.' }),
  },
  'A problem, as in RFC 9457.',
);
export type Problem = JsonOf<typeof ProblemSchema>;

/** The body of the answer to a request that failed. */
export function problemOf(error: ShoalError, requestId: string): Problem {
  return {
    type: `urn:shoal:error:${error.code}`,
    title: ERROR_REGISTRY[error.code].title,
    status: error.status,
    detail: error.message,
    code: error.code,
    retryable: error.retryable,
    ...(error.field === undefined ? {} : { field: error.field }),
    ...(error.limit === undefined ? {} : { limit: error.limit }),
    requestId,
  };
}

/** Errors as problem documents (RFC 9457), all of them from the error registry. */
import { ERROR_REGISTRY, LIMITS, PROBLEM_MEDIA_TYPE, ShoalError, problemOf, type Problem } from '@shoal/protocol';
import { ExtendedError, INTERNAL_DETAIL } from '../failure.ts';
import { GATEWAY_LIMITS } from '../limits.ts';

/** Long enough to let a moment of overload pass. */
const RETRY_AFTER_MS = 1_000;

/** What a caller should wait, in whole seconds as the header has it; undefined where waiting is of no use or nobody knows how long. */
function retryAfterSeconds({ status, retryable, retryAfterMs }: ShoalError): string | undefined {
  const isBusy = retryable && (status === 503 || status === 429);
  return isBusy ? `${Math.ceil((retryAfterMs ?? RETRY_AFTER_MS) / 1_000)}` : undefined;
}

/** What the HTTP server itself refuses, by its own error codes. */
const SERVER_ERRORS: { readonly [code: string]: () => ShoalError } = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => new ShoalError('unsupported_media_type', ERROR_REGISTRY.unsupported_media_type.action, { field: 'content-type' }),
  FST_ERR_CTP_BODY_TOO_LARGE: () => new ShoalError('body_too_large', `The body is larger than ${LIMITS.bodyBytes} bytes.`, { field: 'body', limit: LIMITS.bodyBytes }),
  FST_ERR_BAD_URL: () => new ShoalError('invalid_field', 'The path is not a valid percent-encoding of UTF-8.', { field: 'path' }),
  FST_ERR_MAX_PARAM_LENGTH: () => new ShoalError('invalid_field', 'A part of the path is too long.', { field: 'path' }),
  HPE_HEADER_OVERFLOW: () => new ShoalError('invalid_field', `Path and headers are longer than ${GATEWAY_LIMITS.headerBytes} bytes.`, { field: 'headers', limit: GATEWAY_LIMITS.headerBytes }),
  ERR_HTTP_REQUEST_TIMEOUT: () => new ShoalError('deadline_exceeded', 'The request did not arrive in time.'),
};

function serverErrorCode(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** The error as the caller may see it; undefined when it is unexpected and belongs into the log. */
export function expectedError(error: unknown): ShoalError | undefined {
  if (error instanceof ShoalError) return error;
  const code = serverErrorCode(error);
  return Object.hasOwn(SERVER_ERRORS, code) ? SERVER_ERRORS[code]?.() : undefined;
}

export const unexpectedError = (cause: unknown): ShoalError => new ShoalError('internal', INTERNAL_DETAIL, { cause });

export function problemDocument(error: ShoalError, requestId: string): Problem & { readonly [member: string]: unknown } {
  const extensions = error instanceof ExtendedError ? error.extensions : {};
  return { ...problemOf(error, requestId), ...extensions };
}

export function problemHeaders(error: ShoalError): { readonly [header: string]: string } {
  const retryAfter = retryAfterSeconds(error);
  return {
    'content-type': PROBLEM_MEDIA_TYPE,
    'cache-control': 'no-store',
    ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
    ...(error.code === 'unauthorized' ? { 'www-authenticate': 'Bearer' } : {}),
  };
}

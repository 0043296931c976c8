import { ShoalError, isErrorCode, type ErrorCode, type ItemFailure } from '@shoal/protocol';

/** What a caller is told about an error that is no ShoalError: nothing but that it happened. */
export const INTERNAL_DETAIL = 'An unexpected error happened; the log of the service tells more under this request id.';

/** The failure of one item, as the registry sees it. Unexpected errors keep their text to themselves. */
export function failureOf(error: unknown): ItemFailure {
  if (error instanceof ShoalError) return { ok: false, error: error.code, message: error.message };
  return { ok: false, error: 'internal', message: INTERNAL_DETAIL };
}

export function errorOf(failure: ItemFailure): ShoalError {
  const code: ErrorCode = isErrorCode(failure.error) ? failure.error : 'internal';
  return new ShoalError(code, failure.message);
}

/** An operating error that carries further members of its problem document. */
export class ExtendedError extends ShoalError {
  readonly extensions: { readonly [member: string]: unknown };

  constructor(code: ErrorCode, message: string, extensions: { readonly [member: string]: unknown }) {
    super(code, message);
    this.name = 'ExtendedError';
    this.extensions = extensions;
  }
}

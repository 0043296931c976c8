import { ERROR_REGISTRY, type ErrorCode } from './error-registry.ts';

export interface ErrorDetail {
  /** The field at fault, as a path: `vectors[3].values[7]`. */
  readonly field?: string;
  /** The limit that was passed, in the unit of the field. */
  readonly limit?: number;
  /** How long to wait before trying again, where that is known. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** An operating error: expected to happen, with a code from the registry and one sentence for the person who reads it. */
export class ShoalError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly limit: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'ShoalError';
    this.code = code;
    this.field = detail.field;
    this.limit = detail.limit;
    this.retryAfterMs = detail.retryAfterMs;
  }

  get status(): number {
    return ERROR_REGISTRY[this.code].status;
  }

  get retryable(): boolean {
    return ERROR_REGISTRY[this.code].retryable;
  }
}

import { ShoalError, type ErrorCode, type ErrorDetail } from '@shoal/protocol';

/**
 * Where a failed call ended: `server` answered with an error, `connection` means that no answer came (refused, reset,
 * name not found), `deadline` that the call's own time was up.
 */
export type FailureOrigin = 'server' | 'connection' | 'deadline';

export interface ClientErrorDetail extends ErrorDetail {
  readonly origin: FailureOrigin;
  /** What the server said; without it the registry's word for the code counts. */
  readonly retryable?: boolean;
  /** The code as the server sent it; differs from `code` only when the server is newer than this client. */
  readonly serverCode?: string;
  readonly httpStatus?: number;
  readonly requestId?: string;
}

/**
 * A call that failed. A connection failure has the code `not_ready` (nothing answers there, so the service is not up as far
 * as the caller can tell) and an exceeded deadline `deadline_exceeded`; both are retryable.
 */
export class ShoalClientError extends ShoalError {
  readonly origin: FailureOrigin;
  readonly serverCode: string | undefined;
  readonly httpStatus: number | undefined;
  readonly requestId: string | undefined;
  /** How many requests were sent in the call, this failure's included. */
  attempts = 1;
  readonly #retryable: boolean | undefined;

  constructor(code: ErrorCode, message: string, detail: ClientErrorDetail) {
    super(code, message, detail);
    this.name = 'ShoalClientError';
    this.origin = detail.origin;
    this.serverCode = detail.serverCode;
    this.httpStatus = detail.httpStatus;
    this.requestId = detail.requestId;
    this.#retryable = detail.retryable;
  }

  override get retryable(): boolean {
    return this.#retryable ?? super.retryable;
  }
}

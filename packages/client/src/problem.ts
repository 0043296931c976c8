/** Turns an HTTP error response into a ShoalClientError: from its RFC 9457 problem where it has one, else from its status. */
import { isErrorCode, type ErrorCode } from '@shoal/protocol';
import { ShoalClientError } from './client-error.ts';

/** Codes for error responses that are not Shoal's own, such as those of a proxy in between. */
function codeOfStatus(status: number): ErrorCode {
  switch (status) {
    case 401:
      return 'unauthorized';
    case 404:
      return 'route_not_found';
    case 405:
      return 'method_not_allowed';
    case 413:
      return 'body_too_large';
    case 415:
      return 'unsupported_media_type';
    case 429:
      return 'overloaded';
    case 502:
    case 503:
      return 'not_ready';
    case 504:
      return 'deadline_exceeded';
    default:
      return 'internal';
  }
}

/** Retry-After of RFC 9110: whole seconds or a date. */
export function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const dateMs = Date.parse(header);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}

function parseJsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** `nowMs` is the time of day in milliseconds since 1970, against which a Retry-After date is read. */
export function errorOfResponse(response: Response, bodyText: string, nowMs: number): ShoalClientError {
  const problem = parseJsonObject(bodyText);
  const { code, detail, title, retryable, field, limit, requestId } = problem;
  const known = isErrorCode(code) ? code : codeOfStatus(response.status);
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), nowMs);
  const message = typeof detail === 'string' ? detail : typeof title === 'string' ? title : `The server answered with HTTP status ${response.status}.`;
  return new ShoalClientError(known, message, {
    origin: 'server',
    httpStatus: response.status,
    // An unexpected 4xx without a problem document stays wrong however often it is sent.
    ...(typeof retryable === 'boolean' ? { retryable } : code === undefined && known === 'internal' ? { retryable: response.status >= 500 } : {}),
    ...(typeof code === 'string' ? { serverCode: code } : {}),
    ...(typeof field === 'string' ? { field } : {}),
    ...(typeof limit === 'number' ? { limit } : {}),
    ...(typeof requestId === 'string' ? { requestId } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Payloads: a JSON object stored with a vector, carried as UTF-8 JSON text. */
import { isJsonObject } from './field-parsers.ts';
import { LIMITS } from './limits.ts';
import { ShoalError } from './shoal-error.ts';

const utf8 = new TextEncoder();
const utf8Strict = new TextDecoder('utf-8', { fatal: true });

/** Whether `value` has at most `levels` objects and arrays inside each other; looks no deeper than that. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  return Object.values(value).every((member) => isShallow(member, levels - 1));
}

function tooLarge(field: string): ShoalError {
  return new ShoalError('payload_too_large', `${field} is larger than ${LIMITS.payloadBytes} bytes as JSON.`, { field, limit: LIMITS.payloadBytes });
}

/**
 * The JSON text of a payload, at most LIMITS.payloadBytes. Throws `invalid_field` (not an object, or nested deeper than
 * LIMITS.payloadDepth) or `payload_too_large`.
 */
export function parsePayload(value: unknown, field: string): Uint8Array {
  if (!isJsonObject(value)) throw new ShoalError('invalid_field', `${field} must be a JSON object.`, { field });
  if (!isShallow(value, LIMITS.payloadDepth)) {
    throw new ShoalError('invalid_field', `${field} is nested deeper than ${LIMITS.payloadDepth} levels.`, { field, limit: LIMITS.payloadDepth });
  }
  const text = utf8.encode(JSON.stringify(value));
  if (text.byteLength > LIMITS.payloadBytes) throw tooLarge(field);
  return text;
}

/** The same for a payload that came as text; what is kept is the text written anew, without the caller's white space. */
export function parsePayloadText(text: Uint8Array, field: string): Uint8Array {
  if (text.byteLength > LIMITS.payloadBytes) throw tooLarge(field);
  let value: unknown;
  try {
    value = JSON.parse(utf8Strict.decode(text));
  } catch (cause) {
    throw new ShoalError('invalid_field', `${field} is not JSON in UTF-8.`, { field, cause });
  }
  return parsePayload(value, field);
}

/** A payload as a JSON value again. The text was checked when it came in. */
export function payloadToJson(payload: Uint8Array): { readonly [name: string]: unknown } {
  return JSON.parse(new TextDecoder().decode(payload)) as { readonly [name: string]: unknown };
}

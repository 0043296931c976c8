/** Payloads: a JSON object stored with a vector, carried as UTF-8 JSON text. */
import { isJsonObject } from './field-parsers.ts';
import { LIMITS } from './limits.ts';
import { checkDeclaredFields } from './payload-fields.ts';
import type { DeclaredFields } from './payload-fields.ts';
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
 * LIMITS.payloadDepth), `payload_too_large`, or `invalid_payload_field` for a declared field with a value of another type.
 */
export function parsePayload(value: unknown, field: string, declared: DeclaredFields = []): Uint8Array {
  if (!isJsonObject(value)) throw new ShoalError('invalid_field', `${field} must be a JSON object.`, { field });
  if (!isShallow(value, LIMITS.payloadDepth)) {
    throw new ShoalError('invalid_field', `${field} is nested deeper than ${LIMITS.payloadDepth} levels.`, { field, limit: LIMITS.payloadDepth });
  }
  checkDeclaredFields(value, declared, field);
  const text = utf8.encode(JSON.stringify(value));
  if (text.byteLength > LIMITS.payloadBytes) throw tooLarge(field);
  return text;
}

/** The same for a payload that came as text; what is kept is the text written anew, without the caller's white space. */
export function parsePayloadText(text: Uint8Array, field: string, declared: DeclaredFields = []): Uint8Array {
  if (text.byteLength > LIMITS.payloadBytes) throw tooLarge(field);
  let value: unknown;
  try {
    value = JSON.parse(utf8Strict.decode(text));
  } catch (cause) {
    throw new ShoalError('invalid_field', `${field} is not JSON in UTF-8.`, { field, cause });
  }
  return parsePayload(value, field, declared);
}

/** A payload as a JSON value again. The text was checked when it came in. */
export function payloadToJson(payload: Uint8Array): { readonly [name: string]: unknown } {
  return JSON.parse(new TextDecoder().decode(payload)) as { readonly [name: string]: unknown };
}

/**
 * The payload after a JSON merge patch (RFC 7396): members of the patch replace those of the same name, objects are merged member by
 * member, null removes. Undefined when the result is larger or deeper than payloads may be. Both texts were checked when they came in.
 */
export function mergePayload(payload: Uint8Array | undefined, patch: Uint8Array): Uint8Array | undefined {
  const merged = mergePatch(payload === undefined ? {} : payloadToJson(payload), payloadToJson(patch));
  if (!isShallow(merged, LIMITS.payloadDepth)) return undefined;
  const text = utf8.encode(JSON.stringify(merged));
  return text.byteLength > LIMITS.payloadBytes ? undefined : text;
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  // A map keeps a member that is called __proto__ a member.
  const members = new Map(isJsonObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name);
    else members.set(name, mergePatch(members.get(name), value));
  }
  return Object.fromEntries(members);
}

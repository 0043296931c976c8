/**
 * Values in the registry.
 *
 *   value   := json "\n" crc32          crc32: 8 lower-case hexadecimal digits, over the bytes of json
 *   json    := {"v": 1, ...}            the fields of one type of value
 */
import { crc32 } from 'node:zlib';
import { ShoalError } from '@shoal/protocol';

const VERSION = 1;
const CHECKSUM_CHARS = 8;

export type SealedFields = { readonly [field: string]: unknown };

export function seal(fields: SealedFields): Uint8Array {
  const json = JSON.stringify({ v: VERSION, ...fields });
  const checksum = crc32(json).toString(16).padStart(CHECKSUM_CHARS, '0');
  return Buffer.from(`${json}\n${checksum}`, 'utf8');
}

export function damaged(key: string, cause?: unknown): ShoalError {
  return new ShoalError('store_corrupt', `The registry entry ${key} is damaged.`, { cause });
}

/** Throws `store_corrupt`, or `store_incompatible` for a value of another version. */
export function open(key: string, value: Uint8Array): SealedFields {
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  const end = text.length - CHECKSUM_CHARS - 1;
  if (end < 0 || text[end] !== '\n') throw damaged(key);
  const json = text.slice(0, end);
  if (crc32(json).toString(16).padStart(CHECKSUM_CHARS, '0') !== text.slice(end + 1)) throw damaged(key);
  const fields: unknown = JSON.parse(json);
  if (typeof fields !== 'object' || fields === null) throw damaged(key);
  if ((fields as SealedFields)['v'] !== VERSION) {
    throw new ShoalError('store_incompatible', `The registry entry ${key} was written by another version of Shoal.`);
  }
  return fields as SealedFields;
}

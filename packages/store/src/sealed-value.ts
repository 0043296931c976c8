/**
 * Every value in the store is sealed, because LevelDB does not verify its block checksums on ordinary reads.
 *
 *   sealed := version:u8 body crc:u32le        crc is CRC-32 (zlib's) over version and body
 *
 * A value is written in the oldest version that can say it.
 */
import { crc32 } from 'node:zlib';
import { ShoalError } from '@shoal/protocol';

const VERSION = 1;
const OVERHEAD_BYTES = 5;

/** A buffer for a body of so many bytes, and where the body begins; `seal` completes it. */
export function unsealed(bodyBytes: number, version = VERSION): Buffer {
  const value = Buffer.allocUnsafe(bodyBytes + OVERHEAD_BYTES);
  value[0] = version;
  return value;
}

export const BODY_START = 1;

export function seal(value: Buffer): Buffer {
  const end = value.length - 4;
  value.writeUInt32LE(crc32(value.subarray(0, end)), end);
  return value;
}

export function sealBytes(body: Uint8Array): Buffer {
  const value = unsealed(body.length);
  value.set(body, BODY_START);
  return seal(value);
}

/** The body of a value that was just sealed, as a view. */
export function bodyOf(sealed: Buffer): Buffer {
  return sealed.subarray(BODY_START, sealed.length - 4);
}

/** The body of a sealed value of version 1, as a view. Throws `store_corrupt` or `store_incompatible`. */
export function unseal(value: Buffer, what: string): Buffer {
  return unsealVersions(value, what, VERSION).body;
}

/** The same for a value that has versions up to `newest`. */
export function unsealVersions(value: Buffer, what: string, newest: number): { readonly version: number; readonly body: Buffer } {
  const end = value.length - 4;
  if (end < 1 || crc32(value.subarray(0, end)) !== value.readUInt32LE(end)) {
    throw new ShoalError('store_corrupt', `A ${what} on disk fails its checksum. Set the data directory aside and start again; the log is replayed.`);
  }
  const version = value[0] ?? 0;
  if (version < 1 || version > newest) {
    throw new ShoalError('store_incompatible', `A ${what} on disk has version ${version}; this release reads up to version ${newest}. Start a release that knows it.`);
  }
  return { version, body: value.subarray(BODY_START, end) };
}

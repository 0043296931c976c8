/**
 * Every value in the store is sealed, because LevelDB does not verify its block checksums on ordinary reads.
 *
 *   sealed := version:u8 body crc:u32le        crc is CRC-32 (zlib's) over version and body
 */
import { crc32 } from 'node:zlib';
import { ShoalError } from '@shoal/protocol';

const VERSION = 1;
const OVERHEAD_BYTES = 5;

/** A buffer for a body of so many bytes, and where the body begins; `seal` completes it. */
export function unsealed(bodyBytes: number): Buffer {
  const value = Buffer.allocUnsafe(bodyBytes + OVERHEAD_BYTES);
  value[0] = VERSION;
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

/** The body of a sealed value, as a view. Throws `store_corrupt` or `store_incompatible`. */
export function unseal(value: Buffer, what: string): Buffer {
  const end = value.length - 4;
  if (end < 1 || crc32(value.subarray(0, end)) !== value.readUInt32LE(end)) {
    throw new ShoalError('store_corrupt', `A ${what} on disk fails its checksum. Set the data directory aside and start again; the log is replayed.`);
  }
  if (value[0] !== VERSION) {
    throw new ShoalError('store_incompatible', `A ${what} on disk has version ${value[0]}; this release reads version ${VERSION}. Start a release that knows it.`);
  }
  return value.subarray(BODY_START, end);
}

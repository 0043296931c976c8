/**
 * The envelope of every binary message:
 *
 *     message = magic:4 version:u8 type:u8 extra:u16 body crc:u32
 *
 * Numbers are little-endian; u64 holds whole numbers below 2^53. `crc` is the CRC-32 (IEEE 802.3, as in zlib) of all
 * bytes before it. Magic, version, and the closing checksum keep place and meaning in every version, so that a message
 * of a newer release is told from a damaged one.
 */
import { crc32 } from 'node:zlib';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { ShoalError } from './shoal-error.ts';

export interface MessageKind {
  /** Four ASCII characters. */
  readonly magic: string;
  /** The newest version; those from 1 on are read. A message is written in the oldest version that can say it. */
  readonly version: number;
  /** Name for messages to people: "mutation message". */
  readonly subject: string;
}

/** Bytes before the body. */
export const HEADER_BYTES = 8;
/** Header and checksum. */
export const ENVELOPE_BYTES = HEADER_BYTES + 4;

/** Starts a message of exactly `sizeBytes`, envelope included; `seal()` ends it. */
export function beginMessage(kind: MessageKind, type: number, extra: number, sizeBytes: number, version = 1): ByteWriter {
  const writer = new ByteWriter(sizeBytes);
  writer.text(kind.magic, 4);
  writer.u8(version);
  writer.u8(type);
  writer.u16(extra);
  return writer;
}

export interface OpenedMessage {
  readonly version: number;
  readonly type: number;
  readonly extra: number;
  /** Stands at the first byte of the body and ends before the checksum. */
  readonly body: ByteReader;
}

/** Checks the envelope; throws `corrupt_message` or `unsupported_version`. */
export function openMessage(kind: MessageKind, bytes: Uint8Array): OpenedMessage {
  const bodyEnd = bytes.byteLength - 4;
  const reader = new ByteReader(bytes, 0, bodyEnd, 'corrupt_message', kind.subject);
  if (bytes.byteLength < ENVELOPE_BYTES) throw reader.error('it is shorter than its envelope', 'size');
  if (reader.text(4, 'magic') !== kind.magic) throw reader.error('it does not begin with its magic', 'magic');
  const version = reader.u8('version');
  const type = reader.u8('type');
  const extra = reader.u16('extra');
  const checksum = new DataView(bytes.buffer, bytes.byteOffset + bodyEnd, 4).getUint32(0, true);
  if (checksum !== crc32(bytes.subarray(0, bodyEnd))) throw reader.error('its checksum does not fit', 'checksum');
  if (version < 1 || version > kind.version) {
    throw new ShoalError('unsupported_version', `The ${kind.subject} has version ${version}; this release reads up to version ${kind.version}.`, {
      field: 'version',
      limit: kind.version,
    });
  }
  return { version, type, extra, body: reader };
}

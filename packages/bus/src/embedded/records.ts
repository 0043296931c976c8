/**
 * Bytes of the embedded bus on disk. Numbers are unsigned and big-endian, so keys sort as their numbers do.
 *
 *   format    key:   0x00 "format"
 *             value: version:u8 slots:u16 crc
 *   revision  key:   0x00 "revision"
 *             value: version:u8 last:u64 crc          highest revision given out by the registry
 *   trim      key:   0x00 "trim" slot:u16
 *             value: version:u8 before:u64 crc        messages of the slot below are gone
 *   log       key:   0x01 slot:u16 sequence:u64
 *             value: version:u8 timeMs:u64 code:u64 partition:u16 payload:bytes crc
 *   registry  key:   0x02 name:utf8
 *             value: version:u8 revision:u64 payload:bytes crc
 *
 *   crc = CRC-32 (IEEE 802.3) of the key followed by the value before it: u32
 *
 * version is 1 everywhere. Family bytes and fields are frozen: a change takes a new version.
 */
import { crc32 } from 'node:zlib';
import { type EmbeddingCode, type Partition, type Sequence, ShoalError, type Slot } from '@shoal/protocol';

export const VERSION = 1;
const CRC_BYTES = 4;
const LOG_HEAD_BYTES = 1 + 8 + 8 + 2;
const REGISTRY_HEAD_BYTES = 1 + 8;
const LOG_KEY_BYTES = 1 + 2 + 8;

const utf8 = new TextEncoder();
const text = new TextDecoder();

export const FORMAT_KEY: Uint8Array = utf8.encode('\u0000format');
export const REVISION_KEY: Uint8Array = utf8.encode('\u0000revision');
/** Bounds of the registry family: at or above, and below. */
export const REGISTRY_FIRST: Uint8Array = new Uint8Array([2]);
export const REGISTRY_END: Uint8Array = new Uint8Array([3]);

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function logKey(slot: Slot, sequence: number): Uint8Array {
  const key = new Uint8Array(LOG_KEY_BYTES);
  const view = viewOf(key);
  view.setUint8(0, 1);
  view.setUint16(1, slot);
  view.setBigUint64(3, BigInt(sequence));
  return key;
}

export function sequenceOfLogKey(key: Uint8Array): Sequence {
  if (key.length !== LOG_KEY_BYTES) throw damaged('a key of the log');
  return Number(viewOf(key).getBigUint64(3)) as Sequence;
}

export function trimKey(slot: Slot): Uint8Array {
  const key = new Uint8Array(7);
  key.set(utf8.encode('\u0000trim'));
  viewOf(key).setUint16(5, slot);
  return key;
}

export function encodeTrim(key: Uint8Array, before: number): Uint8Array {
  const value = blankValue(1, new Uint8Array(8));
  viewOf(value).setBigUint64(1, BigInt(before));
  return seal(key, value);
}

export function decodeTrim(key: Uint8Array, value: Uint8Array): Sequence {
  return Number(verify(key, value, 9, 'a trim mark').getBigUint64(1)) as Sequence;
}

export function registryKey(name: string): Uint8Array {
  return utf8.encode(`\u0002${name}`);
}

export function nameOfRegistryKey(key: Uint8Array): string {
  return text.decode(key.subarray(1));
}

/** Room for a value with its version set and its checksum still to come. */
function blankValue(headBytes: number, payload: Uint8Array): Uint8Array {
  const value = new Uint8Array(headBytes + payload.length + CRC_BYTES);
  value[0] = VERSION;
  value.set(payload, headBytes);
  return value;
}

function seal(key: Uint8Array, value: Uint8Array): Uint8Array {
  viewOf(value).setUint32(value.length - CRC_BYTES, checksum(key, value));
  return value;
}

function checksum(key: Uint8Array, value: Uint8Array): number {
  return crc32(value.subarray(0, value.length - CRC_BYTES), crc32(key));
}

/** Throws `store_corrupt` when the checksum does not fit, `store_incompatible` for a version that this release does not know. */
function verify(key: Uint8Array, value: Uint8Array, headBytes: number, what: string): DataView {
  if (value.length < headBytes + CRC_BYTES) throw damaged(what);
  const view = viewOf(value);
  if (view.getUint32(value.length - CRC_BYTES) !== checksum(key, value)) throw damaged(what);
  if (value[0] !== VERSION) {
    throw new ShoalError('store_incompatible', `The log on disk holds ${what} of version ${value[0]}; this release reads version ${VERSION}.`);
  }
  return view;
}

function damaged(what: string): ShoalError {
  return new ShoalError('store_corrupt', `The log on disk is damaged: ${what} does not fit its checksum.`);
}

export interface LogRecord {
  readonly timeMs: number;
  readonly code: EmbeddingCode;
  readonly partition: Partition;
  readonly payload: Uint8Array;
}

export function encodeLogValue(key: Uint8Array, record: LogRecord): Uint8Array {
  const value = blankValue(LOG_HEAD_BYTES, record.payload);
  const view = viewOf(value);
  view.setBigUint64(1, BigInt(record.timeMs));
  view.setBigUint64(9, BigInt(record.code));
  view.setUint16(17, record.partition);
  return seal(key, value);
}

/** The payload is a view into `value`. */
export function decodeLogValue(key: Uint8Array, value: Uint8Array): LogRecord {
  const view = verify(key, value, LOG_HEAD_BYTES, 'a message');
  return {
    timeMs: Number(view.getBigUint64(1)),
    code: Number(view.getBigUint64(9)) as EmbeddingCode,
    partition: view.getUint16(17) as Partition,
    payload: value.subarray(LOG_HEAD_BYTES, value.length - CRC_BYTES),
  };
}

export interface RegistryRecord {
  readonly revision: number;
  readonly payload: Uint8Array;
}

export function encodeRegistryValue(key: Uint8Array, record: RegistryRecord): Uint8Array {
  const value = blankValue(REGISTRY_HEAD_BYTES, record.payload);
  viewOf(value).setBigUint64(1, BigInt(record.revision));
  return seal(key, value);
}

export function decodeRegistryValue(key: Uint8Array, value: Uint8Array): RegistryRecord {
  const view = verify(key, value, REGISTRY_HEAD_BYTES, 'a registry entry');
  return { revision: Number(view.getBigUint64(1)), payload: value.subarray(REGISTRY_HEAD_BYTES, value.length - CRC_BYTES) };
}

export function encodeFormat(slots: number): Uint8Array {
  const value = blankValue(1, new Uint8Array(2));
  viewOf(value).setUint16(1, slots);
  return seal(FORMAT_KEY, value);
}

/** The slot count. */
export function decodeFormat(value: Uint8Array): number {
  return verify(FORMAT_KEY, value, 3, 'the format record').getUint16(1);
}

export function encodeRevision(last: number): Uint8Array {
  const value = blankValue(1, new Uint8Array(8));
  viewOf(value).setBigUint64(1, BigInt(last));
  return seal(REVISION_KEY, value);
}

export function decodeRevision(value: Uint8Array): number {
  return Number(verify(REVISION_KEY, value, 9, 'the revision counter').getBigUint64(1));
}

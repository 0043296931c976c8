/**
 * Writes little-endian binary into one buffer of exactly the size that the caller computed before.
 * Running past the end or stopping short of it is a programmer error, so both are asserted.
 */
import assert from 'node:assert';
import { endianness } from 'node:os';
import { crc32 } from 'node:zlib';

// Vectors are copied as they lie in memory, and the wire is little-endian.
assert.equal(endianness(), 'LE', 'Shoal runs on little-endian machines only');

const TWO_TO_32 = 0x1_0000_0000;
const utf8 = new TextEncoder();

/** Texts up to this length are checked for ASCII by a loop, which costs less than a call into native code. */
const SHORT_TEXT_CHARS = 64;

/** Bytes that `text` takes in UTF-8. */
export function utf8Bytes(text: string): number {
  if (text.length > SHORT_TEXT_CHARS) return Buffer.byteLength(text, 'utf8');
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text, 'utf8');
  }
  return text.length;
}

/** Zero bytes that bring `bytes` to a multiple of 4. */
export function paddingTo4(bytes: number): number {
  return -bytes & 3;
}

export class ByteWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly view: DataView;
  private position = 0;

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  u8(value: number): void {
    assert(value >= 0 && value <= 0xff && Number.isInteger(value), 'value does not fit in u8');
    this.view.setUint8(this.position, value);
    this.position += 1;
  }

  u16(value: number): void {
    assert(value >= 0 && value <= 0xffff && Number.isInteger(value), 'value does not fit in u16');
    this.view.setUint16(this.position, value, true);
    this.position += 2;
  }

  u32(value: number): void {
    assert(value >= 0 && value <= 0xffff_ffff && Number.isInteger(value), 'value does not fit in u32');
    this.view.setUint32(this.position, value, true);
    this.position += 4;
  }

  /** A whole number below 2^53 in 8 bytes; two 32-bit halves, because BigInt is slow on the hot path. */
  u64(value: number): void {
    assert(value >= 0 && Number.isSafeInteger(value), 'value does not fit in u64');
    this.view.setUint32(this.position, value % TWO_TO_32, true);
    this.view.setUint32(this.position + 4, Math.floor(value / TWO_TO_32), true);
    this.position += 8;
  }

  f64(value: number): void {
    this.view.setFloat64(this.position, value, true);
    this.position += 8;
  }

  /** Components as float32. */
  vector(values: Float32Array): void {
    this.raw(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  raw(source: Uint8Array): void {
    this.bytes.set(source, this.position);
    this.position += source.byteLength;
  }

  /** `text` as UTF-8 in exactly `sizeBytes`, which must be `utf8Bytes(text)`. */
  text(text: string, sizeBytes: number): void {
    assert(this.position + sizeBytes <= this.bytes.byteLength, 'text runs past the end');
    if (sizeBytes === text.length) {
      // As many bytes as UTF-16 units means ASCII: for short keys a loop beats the call into the encoder.
      for (let i = 0; i < sizeBytes; i++) this.bytes[this.position + i] = text.charCodeAt(i);
    } else {
      const { written } = utf8.encodeInto(text, this.bytes.subarray(this.position, this.position + sizeBytes));
      assert.equal(written, sizeBytes, 'text size differs from the size announced');
    }
    this.position += sizeBytes;
  }

  /** Zero bytes; the buffer is born zeroed. */
  zeros(count: number): void {
    this.position += count;
  }

  padTo4(): void {
    this.position += paddingTo4(this.position);
  }

  /** Closes with the CRC-32 of everything before it and returns the bytes. */
  seal(): Uint8Array<ArrayBuffer> {
    assert.equal(this.position, this.bytes.byteLength - 4, 'message size differs from the size computed');
    this.u32(crc32(this.bytes.subarray(0, this.position)));
    return this.bytes;
  }
}

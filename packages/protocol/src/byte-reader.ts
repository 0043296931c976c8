/**
 * Reads little-endian binary that nobody vouches for: every read is checked against the end, every failure is a
 * ShoalError with the code the reader was made with, and nothing is allocated beyond what the bytes themselves hold.
 */
import type { ErrorCode } from './error-registry.ts';
import { ShoalError } from './shoal-error.ts';

const TWO_TO_32 = 0x1_0000_0000;
// A byte-order mark is part of a key like any other character, so it must not be dropped.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class ByteReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly buffer: Buffer;
  private readonly endBytes: number;
  private readonly code: ErrorCode;
  private readonly subject: string;
  private position: number;

  /** Reads `bytes` from `start` to `end`; errors carry `code` and name `subject`. */
  constructor(bytes: Uint8Array, start: number, end: number, code: ErrorCode, subject: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = start;
    this.endBytes = end;
    this.code = code;
    this.subject = subject;
  }

  get remainingBytes(): number {
    return this.endBytes - this.position;
  }

  /** The error for a value that cannot be; the caller throws it. */
  error(what: string, field?: string, cause?: unknown): ShoalError {
    return new ShoalError(this.code, `The ${this.subject} is damaged: ${what}.`, {
      ...(field === undefined ? {} : { field }),
      ...(cause === undefined ? {} : { cause }),
    });
  }

  /** Refuses a length or a count that the rest of the bytes cannot hold, before anything is allocated for it. */
  need(sizeBytes: number, field: string): void {
    if (sizeBytes > this.endBytes - this.position) throw this.error(`it ends inside ${field}`, field);
  }

  u8(field: string): number {
    this.need(1, field);
    const value = this.view.getUint8(this.position);
    this.position += 1;
    return value;
  }

  u16(field: string): number {
    this.need(2, field);
    const value = this.view.getUint16(this.position, true);
    this.position += 2;
    return value;
  }

  u32(field: string): number {
    this.need(4, field);
    const value = this.view.getUint32(this.position, true);
    this.position += 4;
    return value;
  }

  /** Eight bytes that must hold a whole number below 2^53. */
  u64(field: string): number {
    this.need(8, field);
    const low = this.view.getUint32(this.position, true);
    const high = this.view.getUint32(this.position + 4, true);
    if (high >= 0x20_0000) throw this.error(`${field} is not below 2^53`, field);
    this.position += 8;
    return high * TWO_TO_32 + low;
  }

  f64(field: string): number {
    this.need(8, field);
    const value = this.view.getFloat64(this.position, true);
    this.position += 8;
    return value;
  }

  /** A view of the bytes, not a copy; a plain Uint8Array even over a Buffer, whose slice() means something else. */
  raw(sizeBytes: number, field: string): Uint8Array {
    this.need(sizeBytes, field);
    const part = new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + this.position, sizeBytes);
    this.position += sizeBytes;
    return part;
  }

  /** `count` float32 components: a view of the bytes where they are aligned in memory, a copy where not. */
  vector(count: number, field: string): Float32Array {
    const sizeBytes = count * 4;
    this.need(sizeBytes, field);
    const offset = this.bytes.byteOffset + this.position;
    this.position += sizeBytes;
    return (offset & 3) === 0
      ? new Float32Array(this.bytes.buffer, offset, count)
      : new Float32Array(this.bytes.buffer.slice(offset, offset + sizeBytes));
  }

  /** `sizeBytes` as lower-case hexadecimal digits. */
  hex(sizeBytes: number, field: string): string {
    this.need(sizeBytes, field);
    const start = this.position;
    this.position += sizeBytes;
    return this.buffer.toString('hex', start, this.position);
  }

  /** UTF-8, refused where it is not well-formed. */
  text(sizeBytes: number, field: string): string {
    this.need(sizeBytes, field);
    const start = this.position;
    const end = start + sizeBytes;
    this.position = end;
    if (this.isAscii(start, end)) return this.buffer.toString('latin1', start, end);
    try {
      return utf8.decode(this.bytes.subarray(start, end));
    } catch (cause) {
      throw this.error(`${field} is not UTF-8`, field, cause);
    }
  }

  /** Most keys are short and ASCII; for those this loop and a plain copy beat the call into the decoder. */
  private isAscii(start: number, end: number): boolean {
    for (let i = start; i < end; i++) {
      if ((this.bytes[i] ?? 0) > 0x7f) return false;
    }
    return true;
  }

  zeros(count: number, field: string): void {
    this.need(count, field);
    for (let i = 0; i < count; i++) {
      if (this.bytes[this.position + i] !== 0) throw this.error(`${field} is not zero`, field);
    }
    this.position += count;
  }

  /** Skips the zeros up to a multiple of 4, counted from the start of the bytes. */
  padTo4(field: string): void {
    this.zeros(-this.position & 3, field);
  }

  /** Everything must have been read: what follows would be garbage. */
  end(): void {
    if (this.position !== this.endBytes) throw this.error('it goes on after its end', 'end');
  }
}

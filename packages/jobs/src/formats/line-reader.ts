/** Text of a source line by line, in bounded memory, with a say in where a record may end. */
import type { ByteSource } from '../sources/byte-source.ts';
import { invalidSource } from '../sources/source-failure.ts';
import { JOB_LIMITS } from '../limits.ts';

export interface TextRecord {
  /** Counted from 1. */
  readonly line: number;
  readonly firstByte: number;
  /** The first byte after the record and its newline. */
  readonly endByte: number;
  /** Without the newline; may hold newlines inside quotes. */
  readonly bytes: Buffer;
}

export interface RecordRange {
  readonly firstByte: number;
  readonly endByte: number;
  readonly firstLine: number;
  /** Newlines between double quotes belong to the record, as in csv. */
  readonly quoted: boolean;
  readonly signal?: AbortSignal | undefined;
}

const NEWLINE = 0x0a;
const QUOTE = 0x22;

/** Whether the quotes in bytes[start, end) open or close an odd number of times. */
function hasOddQuotes(bytes: Buffer, start: number, end: number): boolean {
  let isOdd = false;
  for (let at = bytes.indexOf(QUOTE, start); at >= 0 && at < end; at = bytes.indexOf(QUOTE, at + 1)) isOdd = !isOdd;
  return isOdd;
}

/** Records that begin inside the range; the last one may lack its newline. */
export async function* textRecords(source: ByteSource, range: RecordRange): AsyncGenerator<TextRecord> {
  const { endByte, quoted } = range;
  let pending: Buffer = Buffer.alloc(0);
  let pendingByte = range.firstByte;
  let line = range.firstLine;
  for (let position = range.firstByte; position < endByte; ) {
    range.signal?.throwIfAborted();
    const part = await source.read(position, Math.min(JOB_LIMITS.readBytes, endByte - position));
    if (part.length === 0) throw invalidSource(source.name, `the file ends at byte ${position}, before the ${endByte} bytes that it had.`);
    position += part.length;
    const text: Buffer = pending.length === 0 ? part : Buffer.concat([pending, part]);
    let start = 0;
    let from = start;
    let recordLine = line;
    let isOpen = false;
    for (let end = text.indexOf(NEWLINE, from); end >= 0; end = text.indexOf(NEWLINE, from)) {
      if (quoted && hasOddQuotes(text, from, end)) isOpen = !isOpen;
      line += 1;
      from = end + 1;
      if (isOpen) continue;
      yield { line: recordLine, firstByte: pendingByte + start, endByte: pendingByte + from, bytes: text.subarray(start, end) };
      start = from;
      recordLine = line;
    }
    // A record that is cut by the end of the read is looked at again from its start.
    line = recordLine;
    pending = text.subarray(start);
    pendingByte += start;
    if (pending.length > JOB_LIMITS.lineBytes) {
      throw invalidSource(source.name, `the record that begins in line ${line} is longer than ${JOB_LIMITS.lineBytes} bytes${quoted ? '; is a quote missing' : ''}.`);
    }
  }
  if (pending.length > 0) yield { line, firstByte: pendingByte, endByte, bytes: pending };
}

export function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

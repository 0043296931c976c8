import { crc32 } from 'node:zlib';
import { HEADER_BYTES } from '../index-file.ts';

export interface Section {
  readonly at: number;
  readonly byteLength: number;
}

/** The places of the sections' contents in the file of an index so small that each section is one piece. */
export function sectionsOf(sectionBytes: readonly number[]): Section[] {
  let at = HEADER_BYTES;
  return sectionBytes.map((byteLength) => {
    const section = { at, byteLength };
    at += byteLength + 4;
    return section;
  });
}

/** Gives a changed file the checksums of its new content. */
export function reseal(file: Buffer, sectionBytes: readonly number[]): Buffer {
  let crc = crc32(file.subarray(0, HEADER_BYTES - 4));
  file.writeUInt32LE(crc, HEADER_BYTES - 4);
  for (const { at, byteLength } of sectionsOf(sectionBytes)) {
    crc = crc32(file.subarray(at, at + byteLength), crc);
    file.writeUInt32LE(crc, at + byteLength);
  }
  return file;
}

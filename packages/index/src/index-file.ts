/**
 * An index in a file, so that a start reads its graph instead of building it. Integers are little-endian.
 *
 *   file    := header section*
 *   header  := "SHIX" version:u32=1|2 dim:u32 distance:u32 m:u32 seed:u32 codeBits:u32 rotationSeed:u32 idCount:u32 entry:u32 crc:u32
 *   section := piece*             sections in this order: centre, vectors, codes, links, upper; centre and codes only where codeBits > 0
 *   piece   := content crc:u32    at most PIECE_BYTES of whole records, as many as fit, in ascending id
 *
 *   centre  := one padded vector: component:f32 * (dim rounded up to 4)
 *   vectors := per id  put:u32 died:u32 0:u32 norm:f32 padded vector      put = 0, died = 0: never put; 1, 2^32 - 1: lives; 1, 1: dead
 *              In version 2, of an index that keeps codes alone, the padded vector is left out.
 *   codes   := per id  0:u32 0:u32 add:f32 rescale:f32 code               (packages/kernel/assembly/code.ts)
 *   links   := per id  count:u32 id:u32 * 2m                              what lies behind the count is not read
 *   upper   := per id  (count:u32 id:u32 * m) * its layer
 *
 * Each crc is CRC-32 over its part, begun with the crc of the part before. The layer of an id follows from seed and id, so the header
 * alone says how long the file is. Writes go on while a file is written: what the index held when that began is in it, whole; of what
 * changed since, each record is as it was at some moment, and lists may name ids from `idCount` on, which a reader leaves out.
 */
import { crc32 } from 'node:zlib';
import { RECORD_KINDS } from '@shoal/kernel';
import type { Address, Kernel } from '@shoal/kernel';
import { IndexFileError } from './errors.ts';
import type { CreateParameters } from './kernel-parameters.ts';
import { PIECE_BYTES } from './limits.ts';

const MAGIC = 0x58494853;
const VERSION_WITH_VECTORS = 1;
const VERSION_CODES_ONLY = 2;
export const HEADER_BYTES = 44;
export const CRC_BYTES = 4;

/** What of an index decides the bytes of its file. */
export interface IndexFileHeader {
  readonly dim: number;
  readonly distance: number;
  readonly m: number;
  readonly seed: number;
  readonly codeBits: number;
  readonly rotationSeed: number;
  readonly idCount: number;
  /** The kernel's word for layer and id of the entry point. */
  readonly entry: number;
  /** Whether vectors are left out. */
  readonly codesOnly: boolean;
}

export function headerOf([dim, distance, m, , seed, , codeBits, rotationSeed, codesOnly]: CreateParameters, idCount: number, entry: number): IndexFileHeader {
  return { dim, distance, m, seed, codeBits, rotationSeed, idCount, entry, codesOnly: codesOnly === 1 };
}

function versionOf({ codesOnly }: Pick<IndexFileHeader, 'codesOnly'>): number {
  return codesOnly ? VERSION_CODES_ONLY : VERSION_WITH_VECTORS;
}

export function encodeHeader(header: IndexFileHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  const { dim, distance, m, seed, codeBits, rotationSeed, idCount, entry } = header;
  [MAGIC, versionOf(header), dim, distance, m, seed, codeBits, rotationSeed, idCount, entry].forEach((word, i) => { bytes.writeUInt32LE(word >>> 0, i * 4); });
  bytes.writeUInt32LE(crc32(bytes.subarray(0, HEADER_BYTES - CRC_BYTES)), HEADER_BYTES - CRC_BYTES);
  return bytes;
}

/** The header of a file for the index that `expected` describes. Throws IndexFileError. */
export function decodeHeader(bytes: Buffer, expected: CreateParameters): IndexFileHeader {
  const word = (i: number): number => bytes.readUInt32LE(i * 4);
  if (bytes.length < HEADER_BYTES || word(0) !== MAGIC) throw new IndexFileError('it does not begin like one');
  if (crcOf(bytes) !== crc32(bytes.subarray(0, HEADER_BYTES - CRC_BYTES))) throw new IndexFileError('its header does not fit its checksum');
  if (word(1) !== VERSION_WITH_VECTORS && word(1) !== VERSION_CODES_ONLY) throw new IndexFileError(`it has version ${word(1)}; this release reads versions up to ${VERSION_CODES_ONLY}`);
  const header = headerOf(expected, word(8), word(9));
  if (!encodeHeader(header).equals(bytes.subarray(0, HEADER_BYTES))) throw new IndexFileError('it holds an index with other parameters');
  return header;
}

/** The checksum that ends a header. */
export function crcOf(header: Buffer): number {
  return header.readUInt32LE(HEADER_BYTES - CRC_BYTES);
}

export type Piece =
  | { readonly type: 'centre'; readonly byteLength: number }
  /** Records of one of RECORD_KINDS. */
  | { readonly type: 'records'; readonly kind: number; readonly from: number; readonly count: number; readonly recordBytes: number }
  | { readonly type: 'upper'; readonly from: number; readonly count: number };

/** The pieces of a file, in order. Upper blocks go through a span of `stagingBytes`. */
export function* piecesOf(kernel: Kernel, index: Address, header: IndexFileHeader, stagingBytes: number): Generator<Piece> {
  const { idCount, codeBits, dim } = header;
  if (codeBits > 0) yield { type: 'centre', byteLength: Math.ceil(dim / 4) * 16 };
  const kinds = [RECORD_KINDS.vectors, ...(codeBits > 0 ? [RECORD_KINDS.codes] : []), RECORD_KINDS.links];
  for (const kind of kinds) {
    const recordBytes = kernel.recordBytes(index, kind);
    const perPiece = Math.max(1, Math.floor(PIECE_BYTES / recordBytes));
    for (let from = 0; from < idCount; from += perPiece) yield { type: 'records', kind, from, count: Math.min(perPiece, idCount - from), recordBytes };
  }
  for (let from = 0; from < idCount;) {
    const count = kernel.upperRun(index, from, Math.min(idCount - from, UPPER_IDS), stagingBytes);
    yield { type: 'upper', from, count };
    from += count;
  }
}

/** Ids whose upper blocks go into one piece at most. */
const UPPER_IDS = 65_536;

/** The records of a piece where they lie in memory: address and bytes of each run. */
export function runsOf(kernel: Kernel, index: Address, { kind, from, count, recordBytes }: Piece & { type: 'records' }): { readonly address: Address; readonly byteLength: number }[] {
  const runs: { address: Address; byteLength: number }[] = [];
  for (let id = from; id < from + count;) {
    const run = Math.min(kernel.recordRun(index, kind, id) >>> 0, from + count - id);
    runs.push({ address: kernel.recordAddress(index, kind, id) >>> 0, byteLength: run * recordBytes });
    id += run;
  }
  return runs;
}

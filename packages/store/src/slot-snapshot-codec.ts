/**
 * The content of a slot's snapshot: the rows of the slot as they lie in the store, in frames. Integers are little-endian.
 *
 *   snapshot := header frame* trailer
 *   header   := "SHSN" version:u8=1 slot:u16 slots:u16 appliedSequence:u64 crc:u32
 *   frame    := kind:u8=1 bodyBytes:u32 row* crc:u32              row := keyBytes:u32 valueBytes:u32 key value
 *   trailer  := kind:u8=2 bodyBytes:u32=8 rowCount:u64 crc:u32
 *
 * Each crc is CRC-32 over everything before it in its part, begun with the crc of the part before: a part that is missing, repeated or
 * moved shows like one that is damaged.
 */
import { crc32 } from 'node:zlib';
import { PieceReader, ShoalError, type Sequence, type Slot } from '@shoal/protocol';

export interface SnapshotHeader {
  readonly slot: Slot;
  readonly slots: number;
  readonly appliedSequence: Sequence;
}

export type SnapshotRow = readonly [key: Buffer, value: Buffer];

const MAGIC = 'SHSN';
const VERSION = 1;
const HEADER_BYTES = 17;
const PART_HEAD_BYTES = 5;
const KIND = { rows: 1, trailer: 2 } as const;
/** A page of a scan and one row more. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;

/** Encodes the parts of one snapshot, in order. */
export class SnapshotEncoder {
  #crc = 0;
  #rowCount = 0;

  header({ slot, slots, appliedSequence }: SnapshotHeader): Buffer {
    const head = Buffer.alloc(HEADER_BYTES);
    head.write(MAGIC, 'latin1');
    head.writeUInt8(VERSION, 4);
    head.writeUInt16LE(slot, 5);
    head.writeUInt16LE(slots, 7);
    head.writeBigUInt64LE(BigInt(appliedSequence), 9);
    return this.#seal([head]);
  }

  rows(rows: readonly SnapshotRow[]): Buffer {
    const pieces: Buffer[] = [];
    for (const [key, value] of rows) {
      const sizes = Buffer.allocUnsafe(8);
      sizes.writeUInt32LE(key.length, 0);
      sizes.writeUInt32LE(value.length, 4);
      pieces.push(sizes, key, value);
    }
    this.#rowCount += rows.length;
    return this.#part(KIND.rows, pieces);
  }

  trailer(): Buffer {
    const count = Buffer.alloc(8);
    count.writeBigUInt64LE(BigInt(this.#rowCount));
    return this.#part(KIND.trailer, [count]);
  }

  #part(kind: number, body: readonly Buffer[]): Buffer {
    const head = Buffer.alloc(PART_HEAD_BYTES);
    head.writeUInt8(kind, 0);
    head.writeUInt32LE(body.reduce((sum, piece) => sum + piece.length, 0), 1);
    return this.#seal([head, ...body]);
  }

  #seal(pieces: readonly Buffer[]): Buffer {
    const part = Buffer.concat([...pieces, Buffer.alloc(4)]);
    this.#crc = crc32(part.subarray(0, part.length - 4), this.#crc);
    part.writeUInt32LE(this.#crc, part.length - 4);
    return part;
  }
}

/** Decodes a snapshot; only when `rows` has ended was it whole. Throws `snapshot_corrupt`, or `store_incompatible` for another version. */
export class SnapshotDecoder {
  readonly #reader: PieceReader;
  #crc = 0;

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#reader = new PieceReader(content, () => damaged('it ends too early'));
  }

  async header(): Promise<SnapshotHeader> {
    const head = await this.#reader.take(HEADER_BYTES);
    if (head.toString('latin1', 0, 4) !== MAGIC) throw damaged('it does not begin like one');
    const version = head.readUInt8(4);
    if (version !== VERSION) throw new ShoalError('store_incompatible', `A snapshot has version ${version}; this release reads version ${VERSION}.`);
    await this.#check([head]);
    return { slot: head.readUInt16LE(5) as Slot, slots: head.readUInt16LE(7), appliedSequence: Number(head.readBigUInt64LE(9)) as Sequence };
  }

  async *rows(): AsyncGenerator<readonly SnapshotRow[]> {
    let rowCount = 0;
    for (;;) {
      const head = await this.#reader.take(PART_HEAD_BYTES);
      const bodyBytes = head.readUInt32LE(1);
      if (bodyBytes > BODY_BYTES_MAX) throw damaged('a part is larger than any that is written');
      const body = await this.#reader.take(bodyBytes);
      await this.#check([head, body]);
      if (head.readUInt8(0) === KIND.trailer) {
        if (body.readBigUInt64LE(0) !== BigInt(rowCount) || !(await this.#reader.atEnd())) throw damaged('it does not end where it says');
        return;
      }
      const rows = rowsOf(body);
      rowCount += rows.length;
      yield rows;
    }
  }

  async #check(parts: readonly Buffer[]): Promise<void> {
    for (const part of parts) this.#crc = crc32(part, this.#crc);
    if ((await this.#reader.take(4)).readUInt32LE(0) !== this.#crc) throw damaged('a part does not fit its checksum');
  }
}

function rowsOf(body: Buffer): SnapshotRow[] {
  const rows: SnapshotRow[] = [];
  for (let at = 0; at < body.length; ) {
    const valueAt = at + 8 + body.readUInt32LE(at);
    const end = valueAt + body.readUInt32LE(at + 4);
    rows.push([body.subarray(at + 8, valueAt), body.subarray(valueAt, end)]);
    at = end;
  }
  return rows;
}

function damaged(what: string): ShoalError {
  return new ShoalError('snapshot_corrupt', `A snapshot is damaged: ${what}.`);
}

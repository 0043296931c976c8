/**
 * A slot in a backup: a snapshot of it to begin from, and the messages of the log that follow it. Integers are little-endian.
 *
 *   slotBackup := header part* end
 *   header     := "SHLB" version:u8=1 slot:u16 slots:u16 base:u64 to:u64 crc:u32
 *   part       := kind:u8 bodyBytes:u32 body crc:u32
 *     kind 1 base       body := a piece of the content of a snapshot, in order; before all messages
 *     kind 2 message    body := sequence:u64 timeMs:u64 subjectBytes:u16 subject mutation     (mutation-codec.ts), in ascending sequence
 *     kind 3 end        body := baseBytes:u64 messageCount:u64
 *
 * `base` is the applied sequence of the snapshot, 0 without one; the message with that sequence may come first, for its time, and without its
 * mutation; `to` is the sequence up to which the slot is in the backup, 0 for a slot that
 * was never written to. Each crc is CRC-32 over everything before it in its part, begun with the crc of the part before: a part that is
 * missing, repeated or moved shows like one that is damaged. The content of a snapshot has a version of its own.
 */
import { crc32 } from 'node:zlib';
import type { Sequence, Slot } from './ids.ts';
import { PieceReader } from './piece-reader.ts';
import { ShoalError } from './shoal-error.ts';

export const SLOT_BACKUP_MEDIA_TYPE = 'application/vnd.shoal.slot-backup';

export interface SlotBackupHeader {
  readonly slot: Slot;
  readonly slots: number;
  readonly base: Sequence;
  readonly to: Sequence;
}

/** A message as the log had it. */
export interface SlotBackupMessage {
  readonly sequence: Sequence;
  /** Milliseconds since 1970, by the log's clock. */
  readonly timeMs: number;
  readonly subject: string;
  readonly bytes: Uint8Array;
}

const MAGIC = 'SHLB';
const VERSION = 1;
const HEADER_BYTES = 25;
const PART_HEAD_BYTES = 5;
const MESSAGE_HEAD_BYTES = 18;
const KIND = { base: 1, message: 2, end: 3 } as const;
/** A piece of a snapshot, as the stores of snapshots hand them out, with room to spare. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;

/** Encodes the parts of one slot, in order. */
export class SlotBackupEncoder {
  #crc = 0;
  #baseBytes = 0;
  #messageCount = 0;

  header({ slot, slots, base, to }: SlotBackupHeader): Buffer {
    const head = Buffer.alloc(HEADER_BYTES);
    head.write(MAGIC, 'latin1');
    head.writeUInt8(VERSION, 4);
    head.writeUInt16LE(slot, 5);
    head.writeUInt16LE(slots, 7);
    head.writeBigUInt64LE(BigInt(base), 9);
    head.writeBigUInt64LE(BigInt(to), 17);
    return this.#seal([head]);
  }

  base(piece: Uint8Array): Buffer {
    this.#baseBytes += piece.length;
    return this.#part(KIND.base, [piece]);
  }

  message({ sequence, timeMs, subject, bytes }: SlotBackupMessage): Buffer {
    const text = Buffer.from(subject, 'utf8');
    const head = Buffer.alloc(MESSAGE_HEAD_BYTES);
    head.writeBigUInt64LE(BigInt(sequence), 0);
    head.writeBigUInt64LE(BigInt(Math.trunc(timeMs)), 8);
    head.writeUInt16LE(text.length, 16);
    this.#messageCount += 1;
    return this.#part(KIND.message, [head, text, bytes]);
  }

  end(): Buffer {
    const body = Buffer.alloc(16);
    body.writeBigUInt64LE(BigInt(this.#baseBytes), 0);
    body.writeBigUInt64LE(BigInt(this.#messageCount), 8);
    return this.#part(KIND.end, [body]);
  }

  #part(kind: number, body: readonly Uint8Array[]): Buffer {
    const head = Buffer.alloc(PART_HEAD_BYTES);
    head.writeUInt8(kind, 0);
    head.writeUInt32LE(body.reduce((sum, piece) => sum + piece.length, 0), 1);
    return this.#seal([head, ...body]);
  }

  #seal(pieces: readonly Uint8Array[]): Buffer {
    const part = Buffer.concat([...pieces, Buffer.alloc(4)]);
    this.#crc = crc32(part.subarray(0, part.length - 4), this.#crc);
    part.writeUInt32LE(this.#crc, part.length - 4);
    return part;
  }
}

interface Part {
  readonly kind: number;
  readonly body: Buffer;
}

/** Decodes one slot: `header`, then `base` to its end, then `messages`. Only when `messages` has ended was it whole. Throws `backup_corrupt`. */
export class SlotBackupDecoder {
  readonly #reader: PieceReader;
  #crc = 0;
  #ahead: Part | undefined;
  #baseBytes = 0;
  #messageCount = 0;

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#reader = new PieceReader(content, () => damaged('it ends too early'));
  }

  async header(): Promise<SlotBackupHeader> {
    const head = await this.#reader.take(HEADER_BYTES);
    if (head.toString('latin1', 0, 4) !== MAGIC) throw damaged('it does not begin like one');
    const version = head.readUInt8(4);
    if (version !== VERSION) throw new ShoalError('unsupported_version', `A slot of the backup has version ${version}; this release reads up to version ${VERSION}.`, { field: 'version', limit: VERSION });
    await this.#check([head]);
    return {
      slot: head.readUInt16LE(5) as Slot,
      slots: head.readUInt16LE(7),
      base: Number(head.readBigUInt64LE(9)) as Sequence,
      to: Number(head.readBigUInt64LE(17)) as Sequence,
    };
  }

  /** The content of the snapshot; nothing where the slot has none. */
  async *base(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const part = await this.#next();
      if (part.kind !== KIND.base) {
        this.#ahead = part;
        return;
      }
      this.#baseBytes += part.body.length;
      yield part.body;
    }
  }

  async *messages(): AsyncGenerator<SlotBackupMessage> {
    for (;;) {
      const { kind, body } = await this.#next();
      if (kind === KIND.end) {
        const fits = body.length === 16 && body.readBigUInt64LE(0) === BigInt(this.#baseBytes) && body.readBigUInt64LE(8) === BigInt(this.#messageCount);
        if (!fits || !(await this.#reader.atEnd())) throw damaged('it does not end where it says');
        return;
      }
      if (kind !== KIND.message) throw damaged(`a part of kind ${kind} is in the wrong place`);
      this.#messageCount += 1;
      yield messageOf(body);
    }
  }

  async #next(): Promise<Part> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead !== undefined) return ahead;
    const head = await this.#reader.take(PART_HEAD_BYTES);
    const bodyBytes = head.readUInt32LE(1);
    if (bodyBytes > BODY_BYTES_MAX) throw damaged('a part is larger than any that is written');
    const body = await this.#reader.take(bodyBytes);
    await this.#check([head, body]);
    return { kind: head.readUInt8(0), body };
  }

  async #check(parts: readonly Buffer[]): Promise<void> {
    for (const part of parts) this.#crc = crc32(part, this.#crc);
    if ((await this.#reader.take(4)).readUInt32LE(0) !== this.#crc) throw damaged('a part does not fit its checksum');
  }
}

function messageOf(body: Buffer): SlotBackupMessage {
  if (body.length < MESSAGE_HEAD_BYTES) throw damaged('a message is shorter than its head');
  const bytesAt = MESSAGE_HEAD_BYTES + body.readUInt16LE(16);
  if (bytesAt > body.length) throw damaged('a message is shorter than its subject');
  return {
    sequence: Number(body.readBigUInt64LE(0)) as Sequence,
    timeMs: Number(body.readBigUInt64LE(8)),
    subject: body.toString('utf8', MESSAGE_HEAD_BYTES, bytesAt),
    // Decoded vectors are views of the message, which must begin where floats may lie.
    bytes: Uint8Array.from(body.subarray(bytesAt)),
  };
}

function damaged(what: string): ShoalError {
  return new ShoalError('backup_corrupt', `A slot of the backup is damaged: ${what}.`);
}

const SUBJECT = /^shoal\.mut\.\d{1,4}\.(\d{1,16})\.\d{1,4}$/;

/** The code of the embedding that a subject of the log names; undefined for any other text. */
export function codeOfSubject(subject: string): number | undefined {
  const code = SUBJECT.exec(subject)?.[1];
  return code === undefined ? undefined : Number(code);
}


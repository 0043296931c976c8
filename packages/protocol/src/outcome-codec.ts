/**
 * Outcomes of one message, as a shard keeps and sends them.
 *
 *     outcomes = "SHLO" version:u8 type:u8 zero:u16 body crc:u32     (envelope: message-envelope.ts)
 *     type     = 0 items (version 1) | 1 deleted (version 2)
 *     items    = count:u32 outcome:u8*count
 *     deleted  = count:u64 refused:u8     (refused: the outcome that kept the filter from being applied, or 0)
 *
 * The numbers of the outcomes are those of OUTCOMES.
 */
import { beginMessage, ENVELOPE_BYTES, openMessage } from './message-envelope.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { OUTCOMES } from './mutation.ts';
import type { DeletedOutcome, MessageOutcomes, Outcome } from './mutation.ts';

const KIND = { magic: 'SHLO', version: 2, subject: 'outcome record' } as const;
const TYPES = { items: 0, deleted: 1 } as const;
/** Size of what `writeDeletedOutcome` writes. */
export const DELETED_OUTCOME_BYTES = 9;

const OUTCOME_OF_NUMBER: ReadonlyMap<number, Outcome> = new Map(
  Object.entries(OUTCOMES).map(([outcome, number]) => [number, outcome as Outcome]),
);

/** Writes one byte for each outcome. */
export function writeOutcomes(writer: ByteWriter, outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) writer.u8(OUTCOMES[outcome]);
}

function outcomeOf(reader: ByteReader, number: number): Outcome {
  const outcome = OUTCOME_OF_NUMBER.get(number);
  if (outcome === undefined) throw reader.error(`outcome ${number} cannot be`, 'outcomes');
  return outcome;
}

/** Reads `count` outcomes; a number that names none is an error of the reader's kind. */
export function readOutcomes(reader: ByteReader, count: number): Outcome[] {
  reader.need(count, 'outcomes');
  const outcomes: Outcome[] = [];
  for (let i = 0; i < count; i++) outcomes.push(outcomeOf(reader, reader.u8('outcomes')));
  return outcomes;
}

export function writeDeletedOutcome(writer: ByteWriter, { count, refused }: DeletedOutcome): void {
  writer.u64(count);
  writer.u8(refused === undefined ? 0 : OUTCOMES[refused]);
}

export function readDeletedOutcome(reader: ByteReader): DeletedOutcome {
  const count = reader.u64('count');
  const number = reader.u8('refused');
  return number === 0 ? { count } : { count, refused: outcomeOf(reader, number) };
}

export function encodeOutcomes(outcomes: readonly Outcome[]): Uint8Array<ArrayBuffer> {
  const writer = beginMessage(KIND, TYPES.items, 0, ENVELOPE_BYTES + 4 + outcomes.length);
  writer.u32(outcomes.length);
  writeOutcomes(writer, outcomes);
  return writer.seal();
}

export function encodeDeletedOutcome(deleted: DeletedOutcome): Uint8Array<ArrayBuffer> {
  const writer = beginMessage(KIND, TYPES.deleted, 0, ENVELOPE_BYTES + DELETED_OUTCOME_BYTES, 2);
  writeDeletedOutcome(writer, deleted);
  return writer.seal();
}

/** Throws `corrupt_message` or `unsupported_version`. */
export function decodeMessageOutcomes(bytes: Uint8Array): MessageOutcomes {
  const { version, type, extra, body } = openMessage(KIND, bytes);
  if (type !== version - 1 || extra !== 0) throw body.error('its version, type and reserved bytes do not fit', 'type');
  if (type === TYPES.deleted) {
    const deleted = readDeletedOutcome(body);
    body.end();
    return { type: 'deleted', deleted };
  }
  const outcomes = readOutcomes(body, body.u32('count'));
  body.end();
  return { type: 'items', outcomes };
}

/** The outcomes of a message of operations; of another message, none. Throws as `decodeMessageOutcomes`. */
export function decodeOutcomes(bytes: Uint8Array): readonly Outcome[] {
  const decoded = decodeMessageOutcomes(bytes);
  return decoded.type === 'items' ? decoded.outcomes : [];
}

/**
 * Outcomes of one write message, as a shard keeps and sends them.
 *
 *     outcomes = "SHLO" version:u8=1 type:u8=0 zero:u16 count:u32 outcome:u8*count crc:u32     (envelope: message-envelope.ts)
 *
 * The numbers of the outcomes are those of OUTCOMES.
 */
import { beginMessage, ENVELOPE_BYTES, openMessage } from './message-envelope.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { OUTCOMES } from './mutation.ts';
import type { Outcome } from './mutation.ts';

const KIND = { magic: 'SHLO', version: 1, subject: 'outcome record' } as const;

const OUTCOME_OF_NUMBER: ReadonlyMap<number, Outcome> = new Map(
  Object.entries(OUTCOMES).map(([outcome, number]) => [number, outcome as Outcome]),
);

/** Writes one byte for each outcome. */
export function writeOutcomes(writer: ByteWriter, outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) writer.u8(OUTCOMES[outcome]);
}

/** Reads `count` outcomes; a number that names none is an error of the reader's kind. */
export function readOutcomes(reader: ByteReader, count: number): Outcome[] {
  reader.need(count, 'outcomes');
  const outcomes: Outcome[] = [];
  for (let i = 0; i < count; i++) {
    const number = reader.u8('outcomes');
    const outcome = OUTCOME_OF_NUMBER.get(number);
    if (outcome === undefined) throw reader.error(`outcome ${number} cannot be`, 'outcomes');
    outcomes.push(outcome);
  }
  return outcomes;
}

export function encodeOutcomes(outcomes: readonly Outcome[]): Uint8Array<ArrayBuffer> {
  const writer = beginMessage(KIND, 0, 0, ENVELOPE_BYTES + 4 + outcomes.length);
  writer.u32(outcomes.length);
  writeOutcomes(writer, outcomes);
  return writer.seal();
}

/** Throws `corrupt_message` or `unsupported_version`. */
export function decodeOutcomes(bytes: Uint8Array): Outcome[] {
  const { type, extra, body } = openMessage(KIND, bytes);
  if (type !== 0 || extra !== 0) throw body.error('its reserved bytes are not zero', 'type');
  const outcomes = readOutcomes(body, body.u32('count'));
  body.end();
  return outcomes;
}

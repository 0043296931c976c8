/**
 * What a gateway announces on SUBJECTS.verify: shards shall read all rows of their replicas again and compare them with their digests.
 *
 *     order = "SHLV" version:u8=1 type:u8=0 zero:u16 count:u32 slot:u16{count} crc:u32     (envelope: message-envelope.ts)
 *
 * No slots at all are all slots.
 */
import { parseArray, parseFields, parseWholeNumber } from './field-parsers.ts';
import type { Slot } from './ids.ts';
import { LIMITS } from './limits.ts';
import { beginMessage, ENVELOPE_BYTES, openMessage } from './message-envelope.ts';

const KIND = { magic: 'SHLV', version: 1, subject: 'order to verify' } as const;

export interface VerifyOrder {
  /** Empty for all. */
  readonly slots: readonly Slot[];
}

export function encodeVerifyOrder({ slots }: VerifyOrder): Uint8Array<ArrayBuffer> {
  const writer = beginMessage(KIND, 0, 0, ENVELOPE_BYTES + 4 + 2 * slots.length);
  writer.u32(slots.length);
  for (const slot of slots) writer.u16(slot);
  return writer.seal();
}

/** Throws `corrupt_message` or `unsupported_version`. */
export function decodeVerifyOrder(bytes: Uint8Array): VerifyOrder {
  const { type, extra, body } = openMessage(KIND, bytes);
  if (type !== 0 || extra !== 0) throw body.error('its reserved bytes are not zero', 'type');
  const count = body.u32('slots');
  if (count > LIMITS.slots || count * 2 !== body.remainingBytes) throw body.error('the slots do not fill it', 'slots');
  const slots = Array.from({ length: count }, () => body.u16('slots'));
  if (slots.some((slot) => slot >= LIMITS.slots)) throw body.error('it names a slot that cannot be', 'slots');
  return { slots: slots as Slot[] };
}

/** The body of POST /v1/cluster/verifications; the slots of the cluster bound it. */
export function parseVerifyRequest(body: unknown, slotCount: number): VerifyOrder {
  const { slots } = parseFields(body, '', ['slots']);
  if (slots === undefined) return { slots: [] };
  return { slots: [...new Set(parseArray(slots, 'slots', 1, slotCount).map((slot, index) => parseWholeNumber(slot, `slots[${index}]`, 0, slotCount - 1) as Slot))] };
}

/** A receipt is proof of a write: for each slot that it reached, the sequence of its last message there. */
import { isJsonObject, parseWholeNumber } from './field-parsers.ts';
import type { Sequence, Slot } from './ids.ts';
import { LIMITS } from './limits.ts';
import { ShoalError } from './shoal-error.ts';

/** JSON form of a receipt: `{"17": 4711}`. */
export type ReceiptJson = { readonly [slot: string]: number };
export type Receipt = ReadonlyMap<Slot, Sequence>;

const SLOT_PATTERN = /^(0|[1-9][0-9]{0,3})$/;

/**
 * A receipt as a caller sends it back, for a cluster of `slots` slots. Throws `invalid_field` for anything that no write returns:
 * a name that is not a slot of this cluster, a sequence that is not a whole number from 1.
 */
export function parseReceipt(value: unknown, slots: number, field = 'after'): Receipt {
  if (!isJsonObject(value)) throw new ShoalError('invalid_field', `${field} must be a receipt: an object of slots and sequences.`, { field });
  const entries = Object.entries(value);
  if (entries.length > LIMITS.receiptSlots) {
    throw new ShoalError('invalid_field', `${field} has more than ${LIMITS.receiptSlots} slots.`, { field, limit: LIMITS.receiptSlots });
  }
  const receipt = new Map<Slot, Sequence>();
  for (const [name, sequence] of entries) {
    const path = `${field}.${name.slice(0, 20)}`;
    if (!SLOT_PATTERN.test(name) || Number(name) >= slots) {
      throw new ShoalError('invalid_field', `${path} names no slot; slots are 0 to ${slots - 1}.`, { field: path, limit: slots - 1 });
    }
    receipt.set(Number(name) as Slot, parseWholeNumber(sequence, path, 1, Number.MAX_SAFE_INTEGER) as Sequence);
  }
  return receipt;
}

export function receiptToJson(receipt: Receipt): ReceiptJson {
  return Object.fromEntries(receipt);
}

/** One receipt that proves all of the writes: the highest sequence of each slot. */
export function mergeReceipts(receipts: Iterable<Receipt>): Receipt {
  const merged = new Map<Slot, Sequence>();
  for (const receipt of receipts) {
    for (const [slot, sequence] of receipt) {
      const known = merged.get(slot);
      if (known === undefined || sequence > known) merged.set(slot, sequence);
    }
  }
  return merged;
}

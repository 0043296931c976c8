/** A receipt is proof of a write: for each slot that it reached, the sequence of its last message there. */
import type { Sequence, Slot } from './ids.ts';

/** JSON form of a receipt: `{"17": 4711}`. */
export type ReceiptJson = { readonly [slot: string]: number };
export type Receipt = ReadonlyMap<Slot, Sequence>;

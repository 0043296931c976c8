/**
 * What a slot keeps of a message that its caller may repeat under an idempotency key. Integers are little-endian.
 *
 *   idempotencyRecord := sequence:u64 operationId:16 form:u8 rest
 *     form 0: rest is empty; the outcomes were too many to keep
 *     form 1: rest := outcomes                        (at most STORE_LIMITS.idempotencyOutcomeBytes)
 *     form 2: rest := count:u32 outcomes              all outcomes were the same; one of them
 *   idempotencyEntry  := idempotencyId:16 timeMs:u64
 */
import { decodeMessageOutcomes, decodeOutcomes, encodeOutcomes, type OperationId, type Outcome, type Sequence } from '@shoal/protocol';
import { STORE_LIMITS } from './limits.ts';
import type { RecentOperation } from './records.ts';
import { BODY_START, seal, unseal, unsealed } from './sealed-value.ts';

const FORMS = { forgotten: 0, whole: 1, uniform: 2 } as const;
const HEAD_BYTES = 25;
const ID_BYTES = 16;

/** A place in the order in which a slot forgets. */
export interface IdempotencyEntry {
  readonly idempotencyId: OperationId;
  /** Time of the message in the log. */
  readonly timeMs: number;
}

/** Undefined where the outcomes were too many to keep. */
export type RepeatableOperation = Omit<RecentOperation, 'outcomes'> & { readonly outcomes: Uint8Array | undefined };

/** The one outcome that all operations of a message had, and how many there were. */
function uniformOutcome(outcomes: Uint8Array): { readonly outcome: Outcome; readonly count: number } | undefined {
  const decoded = decodeMessageOutcomes(outcomes);
  if (decoded.type !== 'items') return undefined;
  const [first] = decoded.outcomes;
  return first !== undefined && decoded.outcomes.every((outcome) => outcome === first) ? { outcome: first, count: decoded.outcomes.length } : undefined;
}

function shortened(outcomes: Uint8Array): { readonly form: number; readonly rest: Uint8Array } {
  if (outcomes.length <= STORE_LIMITS.idempotencyOutcomeBytes) return { form: FORMS.whole, rest: outcomes };
  const uniform = uniformOutcome(outcomes);
  if (uniform === undefined) return { form: FORMS.forgotten, rest: new Uint8Array(0) };
  const count = Buffer.alloc(4);
  count.writeUInt32LE(uniform.count);
  return { form: FORMS.uniform, rest: Buffer.concat([count, encodeOutcomes([uniform.outcome])]) };
}

function lengthened(form: number, rest: Buffer): Uint8Array | undefined {
  switch (form) {
    case FORMS.whole:
      return Uint8Array.from(rest);
    case FORMS.uniform: {
      const [outcome] = decodeOutcomes(rest.subarray(4));
      return outcome === undefined ? undefined : encodeOutcomes(new Array<Outcome>(rest.readUInt32LE(0)).fill(outcome));
    }
    default:
      return undefined;
  }
}

export function encodeIdempotencyRecord(operation: RecentOperation): Buffer {
  const { form, rest } = shortened(operation.outcomes);
  const value = unsealed(HEAD_BYTES + rest.length);
  value.writeBigUInt64LE(BigInt(operation.sequence), BODY_START);
  value.write(operation.operationId, BODY_START + 8, ID_BYTES, 'hex');
  value[BODY_START + 24] = form;
  value.set(rest, BODY_START + HEAD_BYTES);
  return seal(value);
}

export function decodeIdempotencyRecord(value: Buffer): RepeatableOperation {
  const body = unseal(value, 'idempotency record');
  return {
    sequence: Number(body.readBigUInt64LE(0)) as Sequence,
    operationId: body.toString('hex', 8, 24) as OperationId,
    outcomes: lengthened(body[24] ?? FORMS.forgotten, body.subarray(HEAD_BYTES)),
  };
}

export function encodeIdempotencyEntry(entry: IdempotencyEntry): Buffer {
  const value = unsealed(ID_BYTES + 8);
  value.write(entry.idempotencyId, BODY_START, ID_BYTES, 'hex');
  value.writeBigUInt64LE(BigInt(Math.trunc(entry.timeMs)), BODY_START + ID_BYTES);
  return seal(value);
}

export function decodeIdempotencyEntry(value: Buffer): IdempotencyEntry {
  const body = unseal(value, 'idempotency entry');
  return { idempotencyId: body.toString('hex', 0, ID_BYTES) as OperationId, timeMs: Number(body.readBigUInt64LE(ID_BYTES)) };
}

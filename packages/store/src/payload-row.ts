/**
 * The row of a payload.
 *
 *   payload (version 1) := JSON text, UTF-8                     written with its vector
 *   payload (version 2) := sequence:u64le JSON text, UTF-8      changed afterwards, by the message with that sequence
 */
import type { Sequence } from '@shoal/protocol';
import { BODY_START, seal, sealBytes, unsealVersions, unsealed } from './sealed-value.ts';

const CHANGED = 2;
const SEQUENCE_BYTES = 8;

export interface StoredPayload {
  /** UTF-8 JSON text. */
  readonly payload: Uint8Array;
  /** Of the message that changed it; absent for the payload that came with the vector. */
  readonly changedAt?: Sequence;
}

export function encodePayload({ payload, changedAt }: StoredPayload): Buffer {
  if (changedAt === undefined) return sealBytes(payload);
  const value = unsealed(SEQUENCE_BYTES + payload.length, CHANGED);
  value.writeBigUInt64LE(BigInt(changedAt), BODY_START);
  value.set(payload, BODY_START + SEQUENCE_BYTES);
  return seal(value);
}

export function decodePayload(value: Buffer): StoredPayload {
  const { version, body } = unsealVersions(value, 'payload', CHANGED);
  if (version !== CHANGED) return { payload: body };
  return { payload: body.subarray(SEQUENCE_BYTES), changedAt: Number(body.readBigUInt64LE(0)) as Sequence };
}

import type { Sequence } from '@shoal/protocol';
import { decodePayload } from './payload-row.ts';
import { decodeStoredVector } from './records.ts';

/** What the store holds under one id for callers: components as they were sent, payload as UTF-8 JSON text. */
export interface VectorRows {
  readonly values: Float32Array;
  readonly payload?: Uint8Array;
  /** Of the last message that changed the vector; where payloads were not read, changes of them do not count. */
  readonly sequence: Sequence;
}

export function vectorRows(vector: Buffer, payload: Buffer | undefined): VectorRows {
  const { values, sequence } = decodeStoredVector(vector);
  if (payload === undefined) return { values, sequence };
  const stored = decodePayload(payload);
  return { values, payload: stored.payload, sequence: stored.changedAt ?? sequence };
}

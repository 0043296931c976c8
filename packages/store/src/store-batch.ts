import type { Sequence, Slot, VecId, VectorKey } from '@shoal/protocol';
import { encodeChanges, encodeCheckpointRecord, type ChangedIds, type CheckpointRecord } from './checkpoint-records.ts';
import { KEYS, type PartitionRef } from './keyspace.ts';
import {
  encodeFreedId,
  encodeKeyRow,
  encodePartitionRecord,
  encodeRecentOperation,
  encodeSetAside,
  encodeSlotRecord,
  encodeStoredVector,
  encodeText,
  type FreedId,
  type KeyRow,
  type PartitionRecord,
  type RecentOperation,
  type SetAsideRecord,
  type SlotRecord,
  type StoredVector,
} from './records.ts';
import { encodeIdempotencyEntry, encodeIdempotencyRecord, type IdempotencyEntry } from './idempotency-record.ts';
import { payloadTerm, vectorTerm, type RowDigest } from './content-digest.ts';
import { encodePayload } from './payload-row.ts';
import { bodyOf, sealBytes } from './sealed-value.ts';

export type RowChange = { type: 'put'; key: Buffer; value: Buffer } | { type: 'del'; key: Buffer };

const EMPTY = new Uint8Array(0);

/** Changes that reach the disk together or not at all. Order matters: of two changes of one row the later wins. */
export class StoreBatch {
  readonly rows: RowChange[] = [];

  /** Returns the terms of the vector in the digest of its partition. */
  putVector(ref: PartitionRef, id: VecId, key: VectorKey, vector: StoredVector, payload: Uint8Array | undefined): RowDigest {
    const stored = encodeStoredVector(vector);
    const digest = { vector: vectorTerm(ref, key, bodyOf(stored)), payload: payload === undefined ? 0n : payloadTerm(ref, key, payload, undefined) };
    this.#put(KEYS.vector(ref, id), stored);
    this.#put(KEYS.idForward(ref, key), encodeKeyRow(id, digest));
    this.#put(KEYS.idReverse(ref, id), encodeText(key));
    if (payload !== undefined) this.#put(KEYS.payload(ref, id), encodePayload({ payload }));
    return digest;
  }

  /** Gives a vector that is there another payload, by the message with this sequence; returns its terms as `putVector` does. */
  changePayload(ref: PartitionRef, { id, digest }: Required<KeyRow>, key: VectorKey, payload: Uint8Array, changedAt: Sequence): RowDigest {
    const changed = { vector: digest.vector, payload: payloadTerm(ref, key, payload, changedAt) };
    this.#put(KEYS.payload(ref, id), encodePayload({ payload, changedAt }));
    this.#put(KEYS.idForward(ref, key), encodeKeyRow(id, changed));
    return changed;
  }

  /** Writes the terms of a vector that is there already. */
  putKeyDigest(ref: PartitionRef, id: VecId, key: VectorKey, digest: RowDigest): void {
    this.#put(KEYS.idForward(ref, key), encodeKeyRow(id, digest));
  }

  /** Removes the rows of an id; `unlinkKey` also ends the key, which an upsert must not do. */
  removeVector(ref: PartitionRef, id: VecId, key: VectorKey, options: { readonly unlinkKey: boolean }): void {
    this.#del(KEYS.vector(ref, id));
    this.#del(KEYS.idReverse(ref, id));
    this.#del(KEYS.payload(ref, id));
    if (options.unlinkKey) this.#del(KEYS.idForward(ref, key));
  }

  putFreedId(ref: PartitionRef, position: number, freed: FreedId): void {
    this.#put(KEYS.freedId(ref, position), encodeFreedId(freed));
  }

  removeFreedId(ref: PartitionRef, position: number): void {
    this.#del(KEYS.freedId(ref, position));
  }

  putPartition(slot: Slot, record: PartitionRecord, ref: PartitionRef): void {
    this.#put(KEYS.partition(ref), encodePartitionRecord(record));
    this.#put(KEYS.slotPartition(slot, ref), sealBytes(EMPTY));
  }

  putCheckpoint(ref: PartitionRef, record: CheckpointRecord): void {
    this.#put(KEYS.checkpoint(ref), encodeCheckpointRecord(record));
  }

  removeCheckpoint(ref: PartitionRef): void {
    this.#del(KEYS.checkpoint(ref));
  }

  /** Notes which ids a run changed, beside its rows. */
  putChanges(ref: PartitionRef, { fromOperation, toOperation, ids }: ChangedIds): void {
    this.#put(KEYS.changes(ref, fromOperation), encodeChanges(toOperation, ids));
  }

  putSlot(slot: Slot, record: SlotRecord): void {
    this.#put(KEYS.slot(slot), encodeSlotRecord(record));
  }

  putRecentOperation(slot: Slot, position: number, operation: RecentOperation): void {
    this.#put(KEYS.recentOperation(slot, position), encodeRecentOperation(operation));
  }

  removeRecentOperation(slot: Slot, position: number): void {
    this.#del(KEYS.recentOperation(slot, position));
  }

  putIdempotency(slot: Slot, position: number, entry: IdempotencyEntry, operation: RecentOperation): void {
    this.#put(KEYS.idempotency(slot, entry.idempotencyId), encodeIdempotencyRecord(operation));
    this.#put(KEYS.idempotencyEntry(slot, position), encodeIdempotencyEntry(entry));
  }

  removeIdempotency(slot: Slot, position: number, entry: IdempotencyEntry): void {
    this.#del(KEYS.idempotency(slot, entry.idempotencyId));
    this.#del(KEYS.idempotencyEntry(slot, position));
  }

  putSetAside(slot: Slot, sequence: Sequence, record: SetAsideRecord): void {
    this.#put(KEYS.setAside(slot, sequence), encodeSetAside(record));
  }

  #put(key: Buffer, value: Buffer): void {
    this.rows.push({ type: 'put', key, value });
  }

  #del(key: Buffer): void {
    this.rows.push({ type: 'del', key });
  }
}

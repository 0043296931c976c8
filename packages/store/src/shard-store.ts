import { ShoalError, type OperationId, type Sequence, type Slot, type VecId, type VectorKey } from '@shoal/protocol';
import { decodeChanges, decodeCheckpointRecord, type ChangedIds, type CheckpointRecord } from './checkpoint-records.ts';
import { FAMILY, KEYS, PARTITION_FAMILIES, RANGES, operationOfChangesKey, partitionOfSlotKey, positionOfFreedKey, positionOfOperationKey, sequenceOfSetAsideKey, vecIdOfKey, type KeyRange, type PartitionRef } from './keyspace.ts';
import { scanSlot, type Pace, type ScannedSlot } from './content-scan.ts';
import { addDigests } from './digest-upgrade.ts';
import { STORE_LIMITS } from './limits.ts';
import { openLevel, type Rows } from './open-level.ts';
import { decodePayload, type StoredPayload } from './payload-row.ts';
import {
  decodeFreedId,
  decodeHeader,
  decodeKeyRow,
  decodePartitionRecord,
  decodeRecentOperation,
  decodeSetAside,
  decodeSlotRecord,
  decodeStoredVector,
  decodeText,
  decodeVecId,
  encodeHeader,
  type FreedId,
  type KeyRow,
  type PartitionRecord,
  type RecentOperation,
  type SetAsideRecord,
  type SlotRecord,
  type StoredVector,
} from './records.ts';
import { decodeIdempotencyEntry, decodeIdempotencyRecord, type IdempotencyEntry, type RepeatableOperation } from './idempotency-record.ts';
import { exportSlot, flushRows, importSlot, removeSlot, type SlotContent } from './slot-transfer.ts';
import { StoreView } from './store-view.ts';
import type { StoreBatch } from './store-batch.ts';
import { vectorRows, type VectorRows } from './vector-rows.ts';

export interface ShardStoreOptions {
  readonly directory: string;
  /** Slot count of the cluster; a store written with another is refused, because its partitions would lie in other slots. */
  readonly slots: number;
}

export interface ScannedVector {
  readonly id: VecId;
  readonly vector: StoredVector;
}

/**
 * The rows of one shard over LevelDB.
 *
 * Invariants:
 * 1. A batch is atomic: after a crash all of it is there or nothing.
 * 2. Batches reach the disk in order: a later one is never there without an earlier one.
 * 3. Without `sync` a power failure may lose the newest batches; replaying the log restores them.
 */
export class ShardStore {
  readonly #rows: Rows;
  readonly #slots: number;
  #failure: ShoalError | undefined;

  private constructor(rows: Rows, slots: number) {
    this.#rows = rows;
    this.#slots = slots;
  }

  static async open(options: ShardStoreOptions): Promise<ShardStore> {
    return ShardStore.over(await openLevel(options.directory), options);
  }

  /** A store over rows that are open; they are closed when the store is refused or closed. Throws `store_incompatible` or `store_corrupt`. */
  static async over(rows: Rows, options: ShardStoreOptions): Promise<ShardStore> {
    try {
      const header = await rows.get(KEYS.header());
      if (header === undefined) {
        await rows.put(KEYS.header(), encodeHeader({ slots: options.slots }), { sync: true });
      } else if (decodeHeader(header).slots !== options.slots) {
        throw new ShoalError(
          'store_incompatible',
          `The data in ${options.directory} was written with ${decodeHeader(header).slots} slots, this start asks for ${options.slots}. Start with the same slot count.`,
        );
      }
      return new ShardStore(rows, options.slots);
    } catch (error) {
      await rows.close();
      throw error;
    }
  }

  async slot(slot: Slot): Promise<SlotRecord | undefined> {
    const value = await this.#rows.get(KEYS.slot(slot));
    return value === undefined ? undefined : decodeSlotRecord(value);
  }

  /** The partitions of a slot with their records, dropped ones included. */
  async partitions(slot: Slot): Promise<{ ref: PartitionRef; record: PartitionRecord }[]> {
    const found: { ref: PartitionRef; record: PartitionRecord }[] = [];
    for await (const page of this.#pages(RANGES.slotPartitions(slot))) {
      const refs = page.map(([key]) => partitionOfSlotKey(key));
      const values = await this.#rows.getMany(refs.map((ref) => KEYS.partition(ref)));
      for (const [index, ref] of refs.entries()) {
        const value = values[index];
        if (value === undefined) throw new ShoalError('store_corrupt', 'A partition on disk lacks its record. Set the data directory aside and start again; the log is replayed.');
        found.push({ ref, record: decodePartitionRecord(value) });
      }
    }
    return found;
  }

  /** Recent operations in ascending position. */
  async recentOperations(slot: Slot): Promise<{ position: number; operation: RecentOperation }[]> {
    const found: { position: number; operation: RecentOperation }[] = [];
    for await (const page of this.#pages(RANGES.recentOperations(slot))) {
      for (const [key, value] of page) found.push({ position: positionOfOperationKey(key), operation: decodeRecentOperation(value) });
    }
    return found;
  }

  /** What keys lead to, in order; undefined where a key is unknown. */
  async findKeys(ref: PartitionRef, keys: readonly VectorKey[]): Promise<(KeyRow | undefined)[]> {
    const values = await this.#rows.getMany(keys.map((key) => KEYS.idForward(ref, key)));
    return values.map((value) => (value === undefined ? undefined : decodeKeyRow(value)));
  }

  /** The ids of keys, in order; undefined where a key is unknown. */
  async findIds(ref: PartitionRef, keys: readonly VectorKey[]): Promise<(VecId | undefined)[]> {
    const values = await this.#rows.getMany(keys.map((key) => KEYS.idForward(ref, key)));
    return values.map((value) => (value === undefined ? undefined : decodeVecId(value)));
  }

  /** The rows of ids, in order, from one consistent view of the store; undefined where an id has none. */
  async rows(ref: PartitionRef, ids: readonly VecId[], options: { readonly payloads: boolean }): Promise<(VectorRows | undefined)[]> {
    const snapshot = this.#rows.snapshot();
    try {
      const vectors = await this.#rows.getMany(ids.map((id) => KEYS.vector(ref, id)), { snapshot });
      const payloads = options.payloads ? await this.#rows.getMany(ids.map((id) => KEYS.payload(ref, id)), { snapshot }) : [];
      return vectors.map((vector, index) => (vector === undefined ? undefined : vectorRows(vector, payloads[index])));
    } finally {
      await snapshot.close();
    }
  }

  /** The vector of a key with its payload, from one consistent view of the store; undefined when the key is unknown. */
  async read(ref: PartitionRef, key: VectorKey): Promise<VectorRows | undefined> {
    const view = this.view();
    try {
      const [found] = await view.vectors(ref, [key], { payloads: true });
      return found;
    } finally {
      await view.close();
    }
  }

  /** The store as it is now, for reads that must fit together; to be closed. */
  view(): StoreView {
    return new StoreView(this.#rows);
  }

  /** The payloads of ids, in order; undefined where there is none. */
  async payloads(ref: PartitionRef, ids: readonly VecId[]): Promise<(StoredPayload | undefined)[]> {
    const values = await this.#rows.getMany(ids.map((id) => KEYS.payload(ref, id)));
    return values.map((value) => (value === undefined ? undefined : decodePayload(value)));
  }

  /** At most `limit` payloads in ascending id, from an id on. */
  async payloadsFrom(ref: PartitionRef, from: VecId, limit: number): Promise<{ id: VecId; payload: Uint8Array }[]> {
    const entries = await this.#rows.iterator({ ...RANGES.payloadsFrom(ref, from), limit, fillCache: false, highWaterMarkBytes: STORE_LIMITS.scanPageBytes }).all();
    return entries.map(([key, value]) => ({ id: vecIdOfKey(key), payload: decodePayload(value).payload }));
  }

  /** What the slot keeps under idempotency ids, in order; undefined where an id is unknown. */
  async idempotency(slot: Slot, ids: readonly OperationId[]): Promise<(RepeatableOperation | undefined)[]> {
    const values = await this.#rows.getMany(ids.map((id) => KEYS.idempotency(slot, id)));
    return values.map((value) => (value === undefined ? undefined : decodeIdempotencyRecord(value)));
  }

  /** The entries at the positions [from, to), which exist. */
  async idempotencyEntries(slot: Slot, from: number, to: number): Promise<IdempotencyEntry[]> {
    const keys = Array.from({ length: to - from }, (_, index) => KEYS.idempotencyEntry(slot, from + index));
    return (await this.#rows.getMany(keys)).map((value) => {
      if (value === undefined) throw new ShoalError('store_corrupt', 'An idempotency entry is missing on disk. Set the data directory aside and start again; the log is replayed.');
      return decodeIdempotencyEntry(value);
    });
  }

  /** All vectors of a partition in ascending id, in pages. */
  async *scanVectors(ref: PartitionRef): AsyncGenerator<ScannedVector[]> {
    for await (const page of this.#pages(RANGES.partition(FAMILY.vectors, ref))) {
      yield page.map(([key, value]) => ({ id: vecIdOfKey(key), vector: decodeStoredVector(value) }));
    }
  }

  /** All keys of a partition in ascending id, in pages. */
  async *scanKeys(ref: PartitionRef): AsyncGenerator<{ id: VecId; key: VectorKey }[]> {
    for await (const page of this.#pages(RANGES.partition(FAMILY.idReverse, ref))) {
      yield page.map(([key, value]) => ({ id: vecIdOfKey(key), key: decodeText(value) as VectorKey }));
    }
  }

  /** Freed ids in ascending position. */
  async freedIds(ref: PartitionRef): Promise<{ position: number; freed: FreedId }[]> {
    const found: { position: number; freed: FreedId }[] = [];
    for await (const page of this.#pages(RANGES.partition(FAMILY.idAlloc, ref))) {
      for (const [key, value] of page) found.push({ position: positionOfFreedKey(key), freed: decodeFreedId(value) });
    }
    return found;
  }

  /** What is known of a partition's index in a file; undefined where there is nothing that can be read: it can be done without. */
  async checkpoint(ref: PartitionRef): Promise<CheckpointRecord | undefined> {
    const value = await this.#rows.get(KEYS.checkpoint(ref));
    try {
      return value === undefined ? undefined : decodeCheckpointRecord(value);
    } catch (error) {
      if (error instanceof ShoalError && error.code === 'store_corrupt') return undefined;
      throw error;
    }
  }

  /** Changed ids in ascending order of the operations, from one on. Throws `store_corrupt`. */
  async *changesFrom(ref: PartitionRef, operation: number): AsyncGenerator<ChangedIds[]> {
    for await (const page of this.#pages(RANGES.changes(ref, operation, Number.MAX_SAFE_INTEGER))) {
      yield page.map(([key, value]) => decodeChanges(operationOfChangesKey(key), value));
    }
  }

  /** Forgets the changes by operations before one. */
  async clearChanges(ref: PartitionRef, operation: number): Promise<void> {
    await this.#rows.clear(RANGES.changes(ref, 0, operation));
  }

  /** The newest set-aside messages of a slot, newest first. */
  async setAside(slot: Slot, limit: number): Promise<{ sequence: Sequence; record: SetAsideRecord }[]> {
    const entries = await this.#rows.iterator({ ...RANGES.setAside(slot), reverse: true, limit }).all();
    return entries.map(([key, value]) => ({ sequence: sequenceOfSetAsideKey(key), record: decodeSetAside(value) }));
  }

  /**
   * Rejects with `store_unwritable`, and from then on always: LevelDB cannot read what it writes behind a record that it could not
   * finish, so batches that came after one that failed would be lost at the next opening.
   */
  async commit(batch: StoreBatch, options: { readonly sync: boolean }): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.#rows.batch(batch.rows, { sync: options.sync });
    } catch (cause) {
      this.#failure ??= new ShoalError('store_unwritable', 'The data directory cannot be written: the disk is full, read-only or failing. Put that right and start again; nothing that was acknowledged is lost.', { cause });
      throw this.#failure;
    }
  }

  /**
   * Deletes every row of a partition but its record, and gives the space back. May be repeated; where no rows are left it costs a
   * look, because compacting writes the newest rows of the whole store to disk and every drop there ever was is repeated at a start.
   * Resolves with the number of families that had rows.
   */
  async purgePartition(ref: PartitionRef): Promise<number> {
    let familyCount = 0;
    for (const family of PARTITION_FAMILIES) {
      if (family === FAMILY.graph) continue;
      const range = RANGES.partition(family, ref);
      if (!(await this.#hasRows(range))) continue;
      await this.#rows.clear(range);
      await this.#rows.compactRange(range.gte, range.lt);
      familyCount += 1;
    }
    return familyCount;
  }

  /**
   * Reads all rows of a slot and compares them with their digests; `pace` is called after each slice. Rejects with `replica_diverged` or
   * `store_corrupt`; undefined while nothing was ever applied.
   */
  async scanSlot(slot: Slot, pace: Pace): Promise<ScannedSlot | undefined> {
    return scanSlot(this.#rows, slot, pace);
  }

  /** The record of a slot, with digests that are made now where an earlier release left none. No machine may run on the slot. */
  async slotWithDigest(slot: Slot): Promise<SlotRecord | undefined> {
    const record = await this.slot(slot);
    if (record === undefined || record.digest !== undefined) return record;
    return addDigests(this.#rows, slot, record, await this.partitions(slot));
  }

  /** The content of a snapshot of the slot as it is now; undefined while nothing was ever applied. */
  exportSlot(slot: Slot): Promise<SlotContent | undefined> {
    return exportSlot(this.#rows, slot, this.#slots);
  }

  /** Puts a snapshot in place of the slot's rows. No machine may run on the slot. Rejects with `snapshot_corrupt` or `store_incompatible`, the slot then empty. */
  importSlot(slot: Slot, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Sequence> {
    return importSlot(this.#rows, slot, this.#slots, content, signal);
  }

  /** No machine may run on the slot. */
  removeSlot(slot: Slot): Promise<void> {
    return removeSlot(this.#rows, slot);
  }

  /** Resolves when everything committed before survives a power failure. */
  flush(): Promise<void> {
    return flushRows(this.#rows);
  }

  async #hasRows(range: KeyRange): Promise<boolean> {
    return (await this.#rows.keys({ ...range, limit: 1 }).all()).length > 0;
  }

  async close(): Promise<void> {
    await this.#rows.close();
  }

  async *#pages(range: KeyRange): AsyncGenerator<[Buffer, Buffer][]> {
    const iterator = this.#rows.iterator({ ...range, fillCache: false, highWaterMarkBytes: STORE_LIMITS.scanPageBytes });
    try {
      for (;;) {
        const page = await iterator.nextv(STORE_LIMITS.scanPageRows);
        if (page.length === 0) return;
        yield page;
      }
    } finally {
      await iterator.close();
    }
  }
}

/**
 * Reads the rows of a slot again and compares them with the digests that were kept while they were written. What LevelDB lost, kept too
 * much of, or gives back altered shows here, where no query ever asks for it.
 *
 * Invariants:
 * 1. A partition is read from one view of the store, so writes that go on meanwhile neither disturb it nor are disturbed.
 * 2. At most `STORE_LIMITS.scanSliceRows` vectors are looked at between two calls of `pace`.
 */
import { ShoalError, type Sequence, type Slot, type VecId, type VectorKey } from '@shoal/protocol';
import { crc32 } from 'node:zlib';
import { addDigest, digestOfText, partitionTerm, payloadTerm, rowSum, vectorTerm, type RowDigest } from './content-digest.ts';
import { FAMILY, KEYS, RANGES, partitionOfSlotKey, vecIdOfKey, vectorKeyOfKey, type KeyRange, type PartitionRef } from './keyspace.ts';
import { STORE_LIMITS } from './limits.ts';
import type { Rows } from './open-level.ts';
import { decodePayload } from './payload-row.ts';
import { decodeKeyRow, decodePartitionRecord, decodeSlotRecord, decodeText, type PartitionRecord } from './records.ts';
import { unseal } from './sealed-value.ts';

export type View = ReturnType<Rows['snapshot']>;

/** Called with the number of vectors looked at since the last call; may wait, and may reject to end the scan. */
export type Pace = (vectorCount: number) => Promise<void>;

export interface ScannedSlot {
  /** Of the slot when the scan began; every partition was read then or later. */
  readonly appliedSequence: Sequence;
  readonly vectorCount: number;
}

type Partitions = readonly { readonly ref: PartitionRef; readonly record: PartitionRecord }[];

/** A vector with everything that the store holds under its id. */
export interface JoinedRow {
  readonly id: VecId;
  readonly key: VectorKey;
  readonly digest: RowDigest;
}

function diverged({ code, partition }: PartitionRef, what: string): ShoalError {
  return new ShoalError('replica_diverged', `The rows of embedding ${code}, partition ${partition}, are not those that were written: ${what}.`);
}

/** Rejects with `replica_diverged` or `store_corrupt` when the rows are not those that the log gave; undefined while nothing was applied. */
export async function scanSlot(rows: Rows, slot: Slot, pace: Pace): Promise<ScannedSlot | undefined> {
  const view = rows.snapshot();
  let record: Buffer | undefined;
  let partitions: Partitions;
  try {
    record = await rows.get(KEYS.slot(slot), { snapshot: view });
    partitions = await partitionsOf(rows, slot, view);
  } finally {
    await view.close();
  }
  return record === undefined ? undefined : scanPartitions(rows, slot, record, partitions, pace);
}

/** The same against a record of the slot that is not in the store yet. */
export async function scanContent(rows: Rows, slot: Slot, slotRecord: Buffer, pace: Pace): Promise<ScannedSlot> {
  const view = rows.snapshot();
  try {
    return await scanPartitions(rows, slot, slotRecord, await partitionsOf(rows, slot, view), pace);
  } finally {
    await view.close();
  }
}

async function scanPartitions(rows: Rows, slot: Slot, slotRecord: Buffer, partitions: Partitions, pace: Pace): Promise<ScannedSlot> {
  const { appliedSequence, digest } = decodeSlotRecord(slotRecord);
  requireSum(slot, digest, partitions);
  let vectorCount = 0;
  for (const { ref, record } of partitions) {
    if (record.state === 'active') vectorCount += await scanPartition(rows, ref, pace);
  }
  return { appliedSequence, vectorCount };
}

/** The slot's own digest is the sum of its partitions', save in the middle of a message that deletes in steps. */
export function requireSum(slot: Slot, digest: string | undefined, partitions: Partitions): void {
  if (digest === undefined || partitions.some(({ record }) => record.deleting !== undefined)) return;
  if (digestOfText(digest) === sumOfPartitions(partitions)) return;
  throw new ShoalError('replica_diverged', `The partitions of slot ${slot} on disk are not those that its record was written with.`);
}

export function sumOfPartitions(partitions: Partitions): bigint {
  return partitions.reduce((sum, { ref, record: { state, spec, digest } }) => addDigest(sum, partitionTerm(ref, state, spec) + (digest === undefined ? 0n : digestOfText(digest))), 0n);
}

async function partitionsOf(rows: Rows, slot: Slot, view: View): Promise<Partitions> {
  const found: { readonly ref: PartitionRef; readonly record: PartitionRecord }[] = [];
  for await (const page of pagesOf(rows, RANGES.slotPartitions(slot), view)) {
    const refs = page.map(([key]) => partitionOfSlotKey(key));
    const values = await rows.getMany(refs.map((ref) => KEYS.partition(ref)), { snapshot: view });
    for (const [index, ref] of refs.entries()) {
      const value = values[index];
      if (value === undefined) throw diverged(ref, 'its record is missing');
      found.push({ ref, record: decodePartitionRecord(value) });
    }
  }
  return found;
}

/** What a set of pairs of key and id adds up to, each weighed so that a key that leads to another id shows. */
class KeySum {
  count = 0;
  #sum = 0n;
  #weighed = 0n;

  add(key: VectorKey, id: VecId, digest: RowDigest): void {
    const sum = rowSum(digest);
    this.count += 1;
    this.#sum = addDigest(this.#sum, sum);
    this.#weighed = addDigest(this.#weighed, sum * BigInt(2 * ((id + crc32(key)) % 0x1_0000_0000) + 1));
  }

  get digest(): bigint {
    return this.#sum;
  }

  equals(other: KeySum): boolean {
    return this.count === other.count && this.#sum === other.#sum && this.#weighed === other.#weighed;
  }
}

/** Resolves with the number of vectors. */
async function scanPartition(rows: Rows, ref: PartitionRef, pace: Pace): Promise<number> {
  const view = rows.snapshot();
  try {
    const value = await rows.get(KEYS.partition(ref), { snapshot: view });
    if (value === undefined) throw diverged(ref, 'its record is missing');
    const { state, digest, vectorCount } = decodePartitionRecord(value);
    // Dropped since the scan began.
    if (state === 'dropped' || digest === undefined) return 0;
    const byId = new KeySum();
    for await (const page of joinedRows(rows, ref, view)) {
      for (const { id, key, digest } of page) byId.add(key, id, digest);
      await pace(page.length);
    }
    const byKey = new KeySum();
    for await (const page of pagesOf(rows, RANGES.partition(FAMILY.idForward, ref), view)) {
      for (const [key, value] of page) {
        const row = decodeKeyRow(value);
        if (row.digest !== undefined) byKey.add(vectorKeyOfKey(key), row.id, row.digest);
      }
      await pace(page.length);
    }
    if (byId.count !== vectorCount) throw diverged(ref, `there are ${byId.count} vectors in place of ${vectorCount}`);
    if (byId.digest !== digestOfText(digest)) throw diverged(ref, 'they do not give the digest that was kept with them');
    if (!byId.equals(byKey)) throw diverged(ref, 'the keys do not lead to the vectors');
    return vectorCount;
  } finally {
    await view.close();
  }
}

/** All vectors of a partition with their keys and payloads, in pages. Rejects where rows of an id are missing or are left over. */
export async function* joinedRows(rows: Rows, ref: PartitionRef, view: View): AsyncGenerator<JoinedRow[]> {
  const keys = new RowCursor(rows, RANGES.partition(FAMILY.idReverse, ref), view);
  const payloads = new RowCursor(rows, RANGES.partition(FAMILY.payloads, ref), view);
  try {
    for await (const page of pagesOf(rows, RANGES.partition(FAMILY.vectors, ref), view)) {
      const joined: JoinedRow[] = [];
      for (const [vectorKey, value] of page) {
        const id = vecIdOfKey(vectorKey);
        const keyValue = await keys.take(id);
        if (keyValue === undefined) throw diverged(ref, 'a vector has no key');
        const key = decodeText(keyValue) as VectorKey;
        const payload = await payloads.take(id);
        joined.push({ id, key, digest: { vector: vectorTerm(ref, key, unseal(value, 'vector')), payload: payload === undefined ? 0n : termOfPayload(ref, key, payload) } });
      }
      yield joined;
    }
    if (!(await keys.atEnd()) || !(await payloads.atEnd())) throw diverged(ref, 'a key or a payload has no vector');
  } finally {
    await keys.close();
    await payloads.close();
  }
}

function termOfPayload(ref: PartitionRef, key: VectorKey, value: Buffer): bigint {
  const { payload, changedAt } = decodePayload(value);
  return payloadTerm(ref, key, payload, changedAt);
}

/** Rows with ascending ids, taken one by one. */
class RowCursor {
  readonly #pages: AsyncGenerator<[Buffer, Buffer][]>;
  #page: [Buffer, Buffer][] = [];
  #at = 0;

  constructor(rows: Rows, range: KeyRange, view: View) {
    this.#pages = pagesOf(rows, range, view);
  }

  /** The value of the next row if it has this id. */
  async take(id: VecId): Promise<Buffer | undefined> {
    if (this.#at >= this.#page.length) await this.#turn();
    const row = this.#page[this.#at];
    if (row === undefined || vecIdOfKey(row[0]) !== id) return undefined;
    this.#at += 1;
    return row[1];
  }

  async atEnd(): Promise<boolean> {
    if (this.#at >= this.#page.length) await this.#turn();
    return this.#page.length === 0;
  }

  async close(): Promise<void> {
    await this.#pages.return(undefined);
  }

  async #turn(): Promise<void> {
    const next = await this.#pages.next();
    this.#page = next.done === true ? [] : next.value;
    this.#at = 0;
  }
}

async function* pagesOf(rows: Rows, range: KeyRange, view: View): AsyncGenerator<[Buffer, Buffer][]> {
  const iterator = rows.iterator({ ...range, fillCache: false, highWaterMarkBytes: STORE_LIMITS.scanPageBytes, snapshot: view });
  try {
    for (;;) {
      const page = await iterator.nextv(STORE_LIMITS.scanSliceRows);
      if (page.length === 0) return;
      yield page;
    }
  } finally {
    await iterator.close();
  }
}

/**
 * A slot's rows out of a store and into another. The slot's own record, with its applied sequence, is the last to come and the first to
 * go, and the list of its partitions the other way round: so a slot that a crash left in between is one with partitions and no record.
 */
import { ShoalError, slotOf, type Sequence, type Slot } from '@shoal/protocol';
import { CONTENT_FAMILIES, FAMILY, KEYS, PARTITION_FAMILIES, RANGES, partitionOfSlotKey, type KeyRange, type PartitionRef } from './keyspace.ts';
import { scanContent } from './content-scan.ts';
import { STORE_LIMITS } from './limits.ts';
import type { Rows } from './open-level.ts';
import { decodePartitionRecord, decodeSlotRecord } from './records.ts';
import { SnapshotDecoder, SnapshotEncoder, type SnapshotRow } from './slot-snapshot-codec.ts';

type View = ReturnType<Rows['snapshot']>;

export interface SlotContent {
  readonly appliedSequence: Sequence;
  readonly content: AsyncIterable<Uint8Array>;
  /** Ends the view of the store that the content is read from. */
  close(): Promise<void>;
}

/** The slot as it is now, whatever is written meanwhile; undefined while nothing was ever applied. */
export async function exportSlot(rows: Rows, slot: Slot, slots: number): Promise<SlotContent | undefined> {
  const view = rows.snapshot();
  const record = await rows.get(KEYS.slot(slot), { snapshot: view });
  if (record === undefined) {
    await view.close();
    return undefined;
  }
  const { appliedSequence } = decodeSlotRecord(record);
  return { appliedSequence, content: contentOf(rows, view, { slot, slots, appliedSequence, record }), close: () => view.close() };
}

interface Exported {
  readonly slot: Slot;
  readonly slots: number;
  readonly appliedSequence: Sequence;
  readonly record: Buffer;
}

async function* contentOf(rows: Rows, view: View, exported: Exported): AsyncGenerator<Uint8Array> {
  const { slot, slots, appliedSequence, record } = exported;
  const encoder = new SnapshotEncoder();
  yield encoder.header({ slot, slots, appliedSequence });
  const active: PartitionRef[] = [];
  for await (const page of pages(rows, RANGES.slotPartitions(slot), view)) {
    const refs = page.map(([key]) => partitionOfSlotKey(key));
    const keys = refs.map((ref) => KEYS.partition(ref));
    const records = await rows.getMany(keys, { snapshot: view });
    const found = records.map((value, index): SnapshotRow => {
      if (value === undefined) throw new ShoalError('store_corrupt', 'A partition on disk lacks its record. Set the data directory aside and start again; the log is replayed.');
      const ref = refs[index];
      if (ref !== undefined && decodePartitionRecord(value).state === 'active') active.push(ref);
      return [keys[index] ?? Buffer.alloc(0), value];
    });
    yield encoder.rows([...page, ...found]);
  }
  for (const ref of active) {
    for (const family of CONTENT_FAMILIES) {
      if (family === FAMILY.graph) continue;
      for await (const page of pages(rows, RANGES.partition(family, ref), view)) yield encoder.rows(page);
    }
  }
  for (const range of [...RANGES.slotButRecordAndPartitions(slot), RANGES.setAside(slot)]) {
    for await (const page of pages(rows, range, view)) yield encoder.rows(page);
  }
  yield encoder.rows([[KEYS.slot(slot), record]]);
  yield encoder.trailer();
}

/**
 * Puts the content of a snapshot in place of whatever the store has of the slot. Rejects with `snapshot_corrupt` or `store_incompatible`,
 * with nothing of the slot left. Resolves, with the applied sequence, when all of it is on the disk.
 */
export async function importSlot(rows: Rows, slot: Slot, slots: number, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Sequence> {
  const decoder = new SnapshotDecoder(content);
  const header = await decoder.header();
  if (header.slot !== slot || header.slots !== slots) {
    throw new ShoalError('store_incompatible', `A snapshot holds slot ${header.slot} of ${header.slots}, where slot ${slot} of ${slots} was wanted.`);
  }
  await removeSlot(rows, slot);
  // The record waits until the end of the snapshot has been seen.
  let record: SnapshotRow | undefined;
  try {
    for await (const page of decoder.rows()) {
      signal.throwIfAborted();
      for (const row of page) {
        requireOwn(row[0], slot, slots);
        if (row[0].equals(KEYS.slot(slot))) record = row;
      }
      const others = page.filter(([key]) => !key.equals(KEYS.slot(slot)));
      await rows.batch(others.map(([key, value]) => ({ type: 'put' as const, key, value })));
    }
    if (record === undefined || decodeSlotRecord(record[1]).appliedSequence !== header.appliedSequence) {
      throw new ShoalError('snapshot_corrupt', 'A snapshot is damaged: it lacks the record of its slot.');
    }
    await requireContent(rows, slot, record[1], signal);
  } catch (error) {
    await removeSlot(rows, slot);
    throw error;
  }
  await flushRows(rows);
  await rows.put(record[0], record[1], { sync: true });
  return header.appliedSequence;
}

/** A snapshot may be whole and yet hold rows that were damaged before it was taken. */
async function requireContent(rows: Rows, slot: Slot, record: Buffer, signal: AbortSignal): Promise<void> {
  // Snapshots of earlier releases have no digest to compare with.
  if (decodeSlotRecord(record).digest === undefined) return;
  try {
    await scanContent(rows, slot, record, async () => signal.throwIfAborted());
  } catch (cause) {
    if (!(cause instanceof ShoalError)) throw cause;
    throw new ShoalError('snapshot_corrupt', `A snapshot is damaged: ${cause.message}`, { cause });
  }
}

/** A row that belongs elsewhere would overwrite another slot's. */
function requireOwn(key: Buffer, slot: Slot, slots: number): void {
  const family = key[0];
  if (family === FAMILY.slots || family === FAMILY.setAside) {
    if (key.length >= 3 && key.readUInt16BE(1) === slot) return;
  } else if (CONTENT_FAMILIES.some((known) => known === family) && key.length >= 11) {
    const ref = { code: Number(key.readBigUInt64BE(1)), partition: key.readUInt16BE(9) } as PartitionRef;
    if (slotOf(ref.code, ref.partition, slots) === slot) return;
  }
  throw new ShoalError('snapshot_corrupt', 'A snapshot is damaged: it has a row of another slot.');
}

/** Removes every row of a slot. May be repeated after a crash. */
export async function removeSlot(rows: Rows, slot: Slot): Promise<void> {
  if ((await rows.get(KEYS.slot(slot))) !== undefined) await rows.del(KEYS.slot(slot), { sync: true });
  for (const range of [...RANGES.slotButRecordAndPartitions(slot), RANGES.setAside(slot)]) await rows.clear(range);
  for await (const page of pages(rows, RANGES.slotPartitions(slot))) {
    for (const [key] of page) {
      const ref = partitionOfSlotKey(key);
      for (const family of PARTITION_FAMILIES) await rows.clear(RANGES.partition(family, ref));
      await rows.del(key);
    }
  }
}

/** Brings everything written so far to the disk: LevelDB writes its newest rows out, and syncs them, before it compacts a range. */
export async function flushRows(rows: Rows): Promise<void> {
  await rows.compactRange(KEYS.header(), KEYS.header());
}

async function* pages(rows: Rows, range: KeyRange, view?: View): AsyncGenerator<[Buffer, Buffer][]> {
  const iterator = rows.iterator({ ...range, fillCache: false, highWaterMarkBytes: STORE_LIMITS.scanPageBytes, ...(view === undefined ? {} : { snapshot: view }) });
  try {
    for (;;) {
      const page = await iterator.nextv(view === undefined ? STORE_LIMITS.scanPageRows : STORE_LIMITS.exportPageRows);
      if (page.length === 0) return;
      yield page;
    }
  } finally {
    await iterator.close();
  }
}

/**
 * Gives a slot that was written before there were digests its own: the terms of every vector beside its key, the sums in the records.
 * The slot's record comes last, so that a crash in between only means to begin again.
 */
import type { Slot } from '@shoal/protocol';
import { addDigest, digestText, rowSum } from './content-digest.ts';
import { joinedRows, sumOfPartitions } from './content-scan.ts';
import { KEYS, type PartitionRef } from './keyspace.ts';
import type { Rows } from './open-level.ts';
import { encodeSlotRecord, type PartitionRecord, type SlotRecord } from './records.ts';
import { StoreBatch } from './store-batch.ts';

export async function addDigests(rows: Rows, slot: Slot, record: SlotRecord, partitions: readonly { readonly ref: PartitionRef; readonly record: PartitionRecord }[]): Promise<SlotRecord> {
  const view = rows.snapshot();
  const summed: { ref: PartitionRef; record: PartitionRecord }[] = [];
  try {
    for (const { ref, record } of partitions) {
      let digest = 0n;
      if (record.state === 'active') {
        for await (const page of joinedRows(rows, ref, view)) {
          const batch = new StoreBatch();
          for (const row of page) {
            batch.putKeyDigest(ref, row.id, row.key, row.digest);
            digest = addDigest(digest, rowSum(row.digest));
          }
          await rows.batch(batch.rows);
        }
      }
      const withDigest = { ...record, digest: digestText(digest) };
      const batch = new StoreBatch();
      batch.putPartition(slot, withDigest, ref);
      await rows.batch(batch.rows);
      summed.push({ ref, record: withDigest });
    }
  } finally {
    await view.close();
  }
  const withDigest = { ...record, digest: digestText(sumOfPartitions(summed)) };
  await rows.put(KEYS.slot(slot), encodeSlotRecord(withDigest), { sync: true });
  return withDigest;
}

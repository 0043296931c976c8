import type { EmbeddingCode } from '@shoal/protocol';
import { digestText } from './content-digest.ts';
import { sumOfPartitions } from './content-scan.ts';
import { FAMILY, KEYS, PARTITION_FAMILIES, isSlotPartitionKey, partitionOfKey, partitionOfSlotKey, type PartitionRef } from './keyspace.ts';
import { decodePartitionRecord, decodeSlotRecord, encodeSlotRecord, type PartitionRecord } from './records.ts';
import { SnapshotDecoder, SnapshotEncoder, type SnapshotRow } from './slot-snapshot-codec.ts';

/**
 * The content of a snapshot with the rows of some embeddings only. What the slot remembers of operations stays, for it names no content;
 * messages that were set aside go, for they may be anybody's. The digest is that of what stays. Throws `snapshot_corrupt` or `store_incompatible`.
 */
export async function* filterSnapshot(content: AsyncIterable<Uint8Array>, isWanted: (code: EmbeddingCode) => boolean): AsyncGenerator<Uint8Array> {
  const decoder = new SnapshotDecoder(content);
  const encoder = new SnapshotEncoder();
  const header = await decoder.header();
  yield encoder.header(header);
  const slotKey = KEYS.slot(header.slot);
  const partitions: { readonly ref: PartitionRef; readonly record: PartitionRecord }[] = [];
  for await (const page of decoder.rows()) {
    const rows = page.filter(([key]) => isKept(key, isWanted));
    for (const [index, [key, value]] of rows.entries()) {
      if (key[0] === FAMILY.graph) partitions.push({ ref: partitionOfKey(key), record: decodePartitionRecord(value) });
      // The record of the slot is the last row of a snapshot.
      if (key.equals(slotKey)) rows[index] = [key, withDigestOf(value, partitions)];
    }
    if (rows.length > 0) yield encoder.rows(rows);
  }
  yield encoder.trailer();
}

function withDigestOf(slotRecord: Buffer, partitions: readonly { readonly ref: PartitionRef; readonly record: PartitionRecord }[]): SnapshotRow[1] {
  const record = decodeSlotRecord(slotRecord);
  return record.digest === undefined ? slotRecord : encodeSlotRecord({ ...record, digest: digestText(sumOfPartitions(partitions)) });
}

function isKept(key: Buffer, isWanted: (code: EmbeddingCode) => boolean): boolean {
  const family = key[0];
  if (family === FAMILY.setAside) return false;
  if (PARTITION_FAMILIES.some((known) => known === family)) return isWanted(Number(key.readBigUInt64BE(1)) as EmbeddingCode);
  return !isSlotPartitionKey(key) || isWanted(partitionOfSlotKey(key).code);
}

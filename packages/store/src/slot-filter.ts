import type { EmbeddingCode } from '@shoal/protocol';
import { FAMILY, PARTITION_FAMILIES, isSlotPartitionKey, partitionOfSlotKey } from './keyspace.ts';
import { SnapshotDecoder, SnapshotEncoder } from './slot-snapshot-codec.ts';

/**
 * The content of a snapshot with the rows of some embeddings only. What the slot remembers of operations stays, for it names no content;
 * messages that were set aside go, for they may be anybody's. Throws `snapshot_corrupt` or `store_incompatible`.
 */
export async function* filterSnapshot(content: AsyncIterable<Uint8Array>, isWanted: (code: EmbeddingCode) => boolean): AsyncGenerator<Uint8Array> {
  const decoder = new SnapshotDecoder(content);
  const encoder = new SnapshotEncoder();
  yield encoder.header(await decoder.header());
  for await (const page of decoder.rows()) {
    const rows = page.filter(([key]) => isKept(key, isWanted));
    if (rows.length > 0) yield encoder.rows(rows);
  }
  yield encoder.trailer();
}

function isKept(key: Buffer, isWanted: (code: EmbeddingCode) => boolean): boolean {
  const family = key[0];
  if (family === FAMILY.setAside) return false;
  if (PARTITION_FAMILIES.some((known) => known === family)) return isWanted(Number(key.readBigUInt64BE(1)) as EmbeddingCode);
  return !isSlotPartitionKey(key) || isWanted(partitionOfSlotKey(key).code);
}

import { parsePartition, slotOf, type Partition, type Slot } from '@shoal/protocol';
import type { EmbeddingRecord } from '../catalogue/records.ts';

export interface PlacedPartition {
  readonly partition: Partition;
  readonly slot: Slot;
}

const placements = new WeakMap<EmbeddingRecord, readonly PlacedPartition[]>();

/** Where the partitions of an embedding lie, in their order. Computed once per record. */
export function partitionsOf(record: EmbeddingRecord, slots: number): readonly PlacedPartition[] {
  const known = placements.get(record);
  if (known !== undefined) return known;
  const placed: PlacedPartition[] = [];
  for (let index = 0; index < record.spec.partitions; index += 1) {
    const partition = parsePartition(index);
    placed.push({ partition, slot: slotOf(record.spec.code, partition, slots) });
  }
  placements.set(record, placed);
  return placed;
}

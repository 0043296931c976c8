import type { VectorIndex } from '@shoal/index';
import type { EmbeddingSpec } from '@shoal/protocol';
import type { PartitionRecord, PartitionRef } from '@shoal/store';
import type { IdAllocator } from './id-allocator.ts';
import type { KeyTable } from './key-table.ts';

/** A partition that takes writes and answers searches. */
export interface ActivePartition {
  readonly state: 'active';
  readonly ref: PartitionRef;
  readonly spec: EmbeddingSpec;
  readonly index: VectorIndex;
  readonly keys: KeyTable;
  readonly ids: IdAllocator;
  operationCount: number;
  vectorCount: number;
}

/** A partition that was dropped; only its record is left, so that late writes are told from unknown ones. */
export interface DroppedPartition {
  readonly state: 'dropped';
  readonly ref: PartitionRef;
  readonly spec: EmbeddingSpec;
}

export type PartitionState = ActivePartition | DroppedPartition;

export function partitionName(ref: PartitionRef): string {
  return `${ref.code}/${ref.partition}`;
}

export function recordOf(partition: ActivePartition): PartitionRecord {
  return {
    spec: partition.spec,
    state: 'active',
    nextId: partition.ids.nextId,
    operationCount: partition.operationCount,
    vectorCount: partition.vectorCount,
    freedHead: partition.ids.freedHead,
    freedTail: partition.ids.freedTail,
  };
}

export function droppedRecord(spec: EmbeddingSpec): PartitionRecord {
  return { spec, state: 'dropped', nextId: 0, operationCount: 0, vectorCount: 0, freedHead: 0, freedTail: 0 };
}

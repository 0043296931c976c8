import type { VectorIndex } from '@shoal/index';
import type { EmbeddingSpec } from '@shoal/protocol';
import { digestText, type DeletingRecord, type PartitionRecord, type PartitionRef } from '@shoal/store';
import type { CheckpointState } from './index-checkpoint.ts';
import type { FieldFilling } from './payload-index/field-filling.ts';
import type { FilterCache } from './payload-index/filter-cache.ts';
import type { PayloadIndex } from './payload-index/payload-index.ts';
import type { IdAllocator } from './id-allocator.ts';
import type { PartitionVectors } from './partition-vectors.ts';
import type { KeyTable } from './key-table.ts';
import type { UnstoredRows } from './unstored-rows.ts';

/** A partition that takes writes and answers searches. */
export interface ActivePartition {
  readonly state: 'active';
  readonly ref: PartitionRef;
  /** Its fields grow with each declaration. */
  spec: EmbeddingSpec;
  readonly index: VectorIndex;
  /** Where the index reads its vectors; absent where it keeps them. */
  readonly vectors: PartitionVectors | undefined;
  readonly checkpoint: CheckpointState;
  readonly payloads: PayloadIndex;
  readonly filling: FieldFilling;
  readonly filters: FilterCache;
  readonly keys: KeyTable;
  readonly unstored: UnstoredRows;
  readonly ids: IdAllocator;
  operationCount: number;
  vectorCount: number;
  /** Sum of the terms of its vectors and payloads. */
  digest: bigint;
  /** While a message that deletes by a filter is applied in steps. */
  deleting: DeletingRecord | undefined;
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
    digest: digestText(partition.digest),
    ...(partition.deleting === undefined ? {} : { deleting: partition.deleting }),
  };
}

export function droppedRecord(spec: EmbeddingSpec): PartitionRecord {
  return { spec, state: 'dropped', nextId: 0, operationCount: 0, vectorCount: 0, freedHead: 0, freedTail: 0, digest: digestText(0n) };
}

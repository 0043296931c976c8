import type { LogEntry } from '@shoal/bus';
import {
  encodeMutation, mergeReceipts, parsePartition, partitionOf, slotOf, splitWriteOperations,
  type MutationAddress, type Partition, type Receipt, type Sequence, type Slot, type VectorOperation,
} from '@shoal/protocol';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import type { MessageNames } from './message-names.ts';

/** One message of a write, and which of the caller's items are in it, in the order of its operations. */
export interface PlannedMessage {
  readonly entry: LogEntry;
  readonly itemIndexes: readonly number[];
}

/** The operations of one write in one partition, in the caller's order, and which of its items they are. */
export interface PartitionPart {
  readonly address: MutationAddress;
  readonly operations: readonly VectorOperation[];
  readonly itemIndexes: readonly number[];
}

/** The operations of one write, by partition. */
export function partsOf({ spec }: EmbeddingRecord, operations: readonly VectorOperation[], slots: number): readonly PartitionPart[] {
  const { code, partitions } = spec;
  const byPartition = new Map<Partition, { operations: VectorOperation[]; itemIndexes: number[] }>();
  operations.forEach((operation, index) => {
    const partition = partitionOf(operation.key, partitions);
    let items = byPartition.get(partition);
    if (items === undefined) {
      items = { operations: [], itemIndexes: [] };
      byPartition.set(partition, items);
    }
    items.operations.push(operation);
    items.itemIndexes.push(index);
  });
  return [...byPartition].map(([partition, items]) => ({ address: { slot: slotOf(code, partition, slots), code, partition }, ...items }));
}

/** Messages that the log takes, none of them shared with another write. */
export function messagesOf({ spec }: EmbeddingRecord, parts: readonly PartitionPart[], names: MessageNames): readonly PlannedMessage[] {
  const { code, dim } = spec;
  return parts.flatMap(({ address, operations, itemIndexes }) => {
    const { partition } = address;
    const identify = (taken: readonly VectorOperation[], index: number) => names.ofOperations({ partition, index }, taken);
    let taken = 0;
    return splitWriteOperations({ code, dim, partition, operations, identify }).map((mutation): PlannedMessage => {
      const first = taken;
      taken += mutation.operations.length;
      return { entry: { address, operationId: mutation.operationId, bytes: encodeMutation(mutation) }, itemIndexes: itemIndexes.slice(first, taken) };
    });
  });
}

/** One message for each partition: which vectors the filter means is found out there. */
export function planDeleteMatching({ spec }: EmbeddingRecord, filter: Uint8Array, slots: number, names: MessageNames): readonly PlannedMessage[] {
  const { code, partitions } = spec;
  return Array.from({ length: partitions }, (_, index): PlannedMessage => {
    const partition = parsePartition(index);
    const identity = names.ofFilter({ partition, index: 0 }, filter);
    const bytes = encodeMutation({ type: 'delete_matching', ...identity, code, partition, filter });
    return { entry: { address: { slot: slotOf(code, partition, slots), code, partition }, operationId: identity.operationId, bytes }, itemIndexes: [] };
  });
}

/** The highest sequence that a write reached in each slot, from that of each message. */
export function receiptOf(addresses: readonly MutationAddress[], sequences: readonly Sequence[]): Receipt {
  return mergeReceipts(addresses.map(({ slot }, index) => new Map<Slot, Sequence>([[slot, sequences[index] ?? (0 as Sequence)]])));
}

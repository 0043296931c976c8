import type { LogEntry } from '@shoal/bus';
import {
  encodeMutation, mergeReceipts, parsePartition, partitionOf, slotOf, splitWriteOperations,
  type Partition, type Receipt, type Sequence, type Slot, type VectorOperation,
} from '@shoal/protocol';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import type { MessageNames } from './message-names.ts';

/** One message of a write, and which of the caller's items are in it, in the order of its operations. */
export interface PlannedMessage {
  readonly entry: LogEntry;
  readonly itemIndexes: readonly number[];
}

interface PartitionItems {
  readonly operations: VectorOperation[];
  readonly itemIndexes: number[];
}

/** Splits the operations of one write by partition, each partition's in the caller's order, into messages that the log takes. */
export function planWrite(record: EmbeddingRecord, operations: readonly VectorOperation[], slots: number, names: MessageNames): readonly PlannedMessage[] {
  const { code, dim, partitions } = record.spec;
  const byPartition = new Map<Partition, PartitionItems>();
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
  const messages: PlannedMessage[] = [];
  for (const [partition, items] of byPartition) {
    const address = { slot: slotOf(code, partition, slots), code, partition };
    let taken = 0;
    const identify = (taken: readonly VectorOperation[], index: number) => names.ofOperations({ partition, index }, taken);
    for (const mutation of splitWriteOperations({ code, dim, partition, operations: items.operations, identify })) {
      const itemIndexes = items.itemIndexes.slice(taken, taken + mutation.operations.length);
      taken += mutation.operations.length;
      messages.push({ entry: { address, operationId: mutation.operationId, bytes: encodeMutation(mutation) }, itemIndexes });
    }
  }
  return messages;
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

/** The highest sequence that the write reached in each slot. */
export function receiptOf(messages: readonly PlannedMessage[], sequences: readonly Sequence[]): Receipt {
  return mergeReceipts(messages.map(({ entry }, index) => new Map<Slot, Sequence>([[entry.address.slot, sequences[index] ?? (0 as Sequence)]])));
}

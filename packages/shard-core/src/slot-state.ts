/** Everything a slot knows, as the store holds it, and the bookkeeping that each applied message adds. */
import type { ErrorCode, OperationId, Sequence, Slot } from '@shoal/protocol';
import type { RecentOperation, SlotRecord, StoreBatch } from '@shoal/store';
import { SLOT_LIMITS } from './limits.ts';
import { partitionName, type PartitionState } from './partition-state.ts';
import type { SlotMessage } from './read-message.ts';
import { RecentOperations } from './recent-operations.ts';

export class SlotState {
  readonly slot: Slot;
  readonly partitions = new Map<string, PartitionState>();
  readonly recent: RecentOperations;
  appliedSequence: Sequence;
  messageCount: number;
  setAsideCount: number;

  constructor(slot: Slot, record: SlotRecord | undefined) {
    this.slot = slot;
    this.appliedSequence = record?.appliedSequence ?? (0 as Sequence);
    this.messageCount = record?.messageCount ?? 0;
    this.setAsideCount = record?.setAsideCount ?? 0;
    this.recent = new RecentOperations(record?.operationHead ?? 0, { count: SLOT_LIMITS.recentOperations, outcomeBytes: SLOT_LIMITS.recentOutcomeBytes });
  }

  partition(ref: PartitionState['ref']): PartitionState | undefined {
    return this.partitions.get(partitionName(ref));
  }
}

/**
 * Collects what a run of messages adds to the slot's own records. Nothing of the slot changes before `write`; from there on
 * a failure leaves the slot's memory ahead of the store, and the slot has to be recovered.
 * Finding a repetition looks at the slot's memory and at the run itself.
 */
export class SlotLedger {
  readonly #state: SlotState;
  readonly #batch: StoreBatch;
  readonly #operations: RecentOperation[] = [];
  readonly #operationOf = new Map<OperationId, RecentOperation>();
  #setAsideCount = 0;
  #messageCount = 0;
  #lastSequence: Sequence;

  constructor(state: SlotState, batch: StoreBatch) {
    this.#state = state;
    this.#batch = batch;
    this.#lastSequence = state.appliedSequence;
  }

  /** What became of the operation when it came before, if it did. */
  earlier(operationId: OperationId): RecentOperation | undefined {
    return this.#operationOf.get(operationId) ?? this.#state.recent.find(operationId);
  }

  applied(message: SlotMessage, operation: RecentOperation): void {
    this.#count(message);
    this.#remember(operation);
  }

  /** `operation` is what a writer who waits for the message is told; absent when the message could not be read. */
  setAside(message: SlotMessage, reason: ErrorCode, detail: string, operation?: RecentOperation): void {
    this.#count(message);
    this.#setAsideCount += 1;
    if (operation !== undefined) this.#remember(operation);
    const { bytes, subject, timeMs } = message;
    this.#batch.putSetAside(this.#state.slot, message.sequence, { reason, message: detail, timeMs, subject, messageBytes: bytes.length, bytes });
  }

  /** Puts the slot's records into the batch. Called once, last, before the batch is committed. */
  write(): void {
    const { recent, slot } = this.#state;
    for (const [index, operation] of this.#operations.entries()) this.#batch.putRecentOperation(slot, recent.tail + index, operation);
    for (const operation of this.#operations) {
      for (const position of recent.add(operation)) this.#batch.removeRecentOperation(slot, position);
    }
    this.#batch.putSlot(slot, {
      appliedSequence: this.#lastSequence,
      messageCount: this.#state.messageCount + this.#messageCount,
      setAsideCount: this.#state.setAsideCount + this.#setAsideCount,
      operationHead: recent.head,
      operationTail: recent.tail,
    });
  }

  adopt(): void {
    this.#state.appliedSequence = this.#lastSequence;
    this.#state.messageCount += this.#messageCount;
    this.#state.setAsideCount += this.#setAsideCount;
  }

  #remember(operation: RecentOperation): void {
    this.#operations.push(operation);
    this.#operationOf.set(operation.operationId, operation);
  }

  #count(message: SlotMessage): void {
    this.#messageCount += 1;
    this.#lastSequence = message.sequence;
  }
}

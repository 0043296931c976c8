/** Everything a slot knows, as the store holds it, and the bookkeeping that each applied message adds. */
import { decodeMessageOutcomes, type ErrorCode, type Mutation, type OperationId, type Sequence, type Slot } from '@shoal/protocol';
import { addDigest, digestOfText, digestText, slotDigest, type RecentOperation, type SlotRecord, type StoreBatch } from '@shoal/store';
import { DigestMarks, type DigestMark } from './digest-marks.ts';
import { idempotencyIdOf, type IdempotencyWindow } from './idempotency-window.ts';
import { SLOT_LIMITS } from './limits.ts';
import { partitionName, type PartitionState } from './partition-state.ts';
import type { SlotMessage } from './read-message.ts';
import { RecentOperations } from './recent-operations.ts';

/** What the ledgers so far came to. */
interface LedgerEnd {
  readonly appliedSequence: Sequence;
  readonly messageCount: number;
  readonly setAsideCount: number;
  /** Sum of the digests and terms of the partitions at that sequence. */
  readonly rowsDigest: bigint;
}

export class SlotState {
  readonly slot: Slot;
  readonly partitions = new Map<string, PartitionState>();
  readonly recent: RecentOperations;
  appliedSequence: Sequence;
  messageCount: number;
  setAsideCount: number;
  idempotencyHead: number;
  idempotencyTail: number;
  /** Sum of the digests and terms of the partitions at the applied sequence. */
  rowsDigest: bigint;
  /** What the steps of a message that is not applied to its end have added to it already. */
  unsettledDigest = 0n;
  readonly marks = new DigestMarks();
  /** Of the ledger that was written last: what is applied, or what will be when its batch is in the store. */
  written: LedgerEnd;

  constructor(slot: Slot, record: SlotRecord | undefined) {
    this.slot = slot;
    this.appliedSequence = record?.appliedSequence ?? (0 as Sequence);
    this.messageCount = record?.messageCount ?? 0;
    this.setAsideCount = record?.setAsideCount ?? 0;
    this.idempotencyHead = record?.idempotencyHead ?? 0;
    this.idempotencyTail = record?.idempotencyTail ?? 0;
    this.rowsDigest = digestOfText(record?.digest ?? '0');
    this.written = { appliedSequence: this.appliedSequence, messageCount: this.messageCount, setAsideCount: this.setAsideCount, rowsDigest: this.rowsDigest };
    this.recent = new RecentOperations(record?.operationHead ?? 0, { count: SLOT_LIMITS.recentOperations, outcomeBytes: SLOT_LIMITS.recentOutcomeBytes });
  }

  /** What replicas compare; of the applied sequence. */
  get digest(): bigint {
    return slotDigest(this.rowsDigest, this.messageCount);
  }

  partition(ref: PartitionState['ref']): PartitionState | undefined {
    return this.partitions.get(partitionName(ref));
  }
}

/** A mutation that is not to be applied: it was applied before, or its idempotency key was used for another one. */
export type Earlier = { readonly type: 'repeated'; readonly operation: RecentOperation } | { readonly type: 'reused' };

/** Outcomes that were too many to be kept; who asks is told that they are not known. */
export const NO_OUTCOMES = new Uint8Array(0);

function foundNoMemory({ outcomes }: RecentOperation): boolean {
  if (outcomes.length === 0) return false;
  const decoded = decodeMessageOutcomes(outcomes);
  return decoded.type === 'items' && decoded.outcomes.length > 0 && decoded.outcomes.every((outcome) => outcome === 'memory_full');
}

/**
 * Collects what a run of messages adds to the slot's own records, on top of the ledger that was written last. Nothing of the slot changes before
 * `write`; from there on a failure leaves the slot's memory ahead of the store, and the slot has to be recovered. `adopt` follows when the batch is
 * in the store; the next ledger may be begun and written before. Finding a repetition looks at the slot's memory and at the run itself.
 */
export class SlotLedger {
  readonly #state: SlotState;
  readonly #batch: StoreBatch;
  readonly #window: IdempotencyWindow;
  readonly #operations: RecentOperation[] = [];
  readonly #operationOf = new Map<OperationId, RecentOperation>();
  readonly #before: LedgerEnd;
  #setAsideCount = 0;
  #messageCount = 0;
  #lastSequence: Sequence;
  /** At `#lastSequence`, and what the message that comes next has added so far. */
  #rowsDigest: bigint;
  #change = 0n;
  readonly #marks: DigestMark[] = [];

  constructor(state: SlotState, batch: StoreBatch, window: IdempotencyWindow) {
    this.#state = state;
    this.#batch = batch;
    this.#window = window;
    this.#before = state.written;
    this.#lastSequence = this.#before.appliedSequence;
    this.#rowsDigest = this.#before.rowsDigest;
  }

  /** Adds to the digest what the message that is noted next changes. */
  change(difference: bigint): void {
    this.#change = addDigest(this.#change, difference);
  }

  /** What became of the mutation when it came before; `reused` when another one had its idempotency key. */
  earlier(mutation: Mutation): Earlier | undefined {
    const { operationId } = mutation;
    const recent = this.#operationOf.get(operationId) ?? this.#state.recent.find(operationId);
    // What found no memory changed nothing: whoever repeats it wants it tried again.
    if (recent !== undefined && !foundNoMemory(recent)) return { type: 'repeated', operation: recent };
    const idempotencyId = idempotencyIdOf(mutation);
    const known = idempotencyId === undefined ? undefined : this.#window.find(idempotencyId);
    if (known === undefined) return undefined;
    if (known.operationId !== operationId) return { type: 'reused' };
    return { type: 'repeated', operation: { ...known, outcomes: known.outcomes ?? NO_OUTCOMES } };
  }

  /** Remembers a mutation that is applied now, for longer than others when its caller may repeat it. */
  carriedOut(message: SlotMessage, mutation: Mutation, operation: RecentOperation): void {
    const idempotencyId = idempotencyIdOf(mutation);
    if (idempotencyId !== undefined) this.#window.add(message, idempotencyId, operation);
    this.applied(message, operation);
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
    const { head, tail } = this.#window.bounds;
    const end = this.#end();
    this.#state.written = end;
    this.#batch.putSlot(slot, {
      appliedSequence: end.appliedSequence,
      messageCount: end.messageCount,
      setAsideCount: end.setAsideCount,
      operationHead: recent.head,
      operationTail: recent.tail,
      ...(tail === 0 ? {} : { idempotencyHead: head, idempotencyTail: tail }),
      digest: digestText(end.rowsDigest),
    });
  }

  adopt(): void {
    Object.assign(this.#state, this.#end());
    this.#state.unsettledDigest = 0n;
    this.#state.marks.keep(this.#marks);
    const { head, tail } = this.#window.bounds;
    this.#state.idempotencyHead = head;
    this.#state.idempotencyTail = tail;
  }

  #end(): LedgerEnd {
    const { messageCount, setAsideCount } = this.#before;
    return { appliedSequence: this.#lastSequence, messageCount: messageCount + this.#messageCount, setAsideCount: setAsideCount + this.#setAsideCount, rowsDigest: this.#rowsDigest };
  }

  #remember(operation: RecentOperation): void {
    this.#operations.push(operation);
    this.#operationOf.set(operation.operationId, operation);
  }

  #count(message: SlotMessage): void {
    const boundaries = DigestMarks.passed(this.#lastSequence, message.sequence);
    if (boundaries.length > 0) {
      const digest = slotDigest(this.#rowsDigest, this.#before.messageCount + this.#messageCount);
      this.#marks.push(...boundaries.map((boundary) => ({ ...boundary, digest })));
    }
    // Steps of a message come before the ledger of its end.
    const unsettled = this.#messageCount === 0 ? this.#state.unsettledDigest : 0n;
    this.#rowsDigest = addDigest(this.#rowsDigest, this.#change + unsettled);
    this.#change = 0n;
    this.#messageCount += 1;
    this.#lastSequence = message.sequence;
  }
}

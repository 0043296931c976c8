import type { MutationAddress, OperationId, Sequence, Slot } from '@shoal/protocol';

export interface LogEntry {
  readonly address: MutationAddress;
  /** Names the message however often it is sent; a broker may drop a repetition that it remembers. */
  readonly operationId: OperationId;
  readonly bytes: Uint8Array;
  /** Trace context of what writes it, as in the header `traceparent` of the W3C; 55 characters of ASCII. */
  readonly traceParent?: string;
}

export interface LogMessage {
  readonly slot: Slot;
  readonly sequence: Sequence;
  /** Subject as it stands in the log; the payload is checked against it. */
  readonly subject: string;
  /** Broker's clock, milliseconds since 1970. The same for every reader of the message. */
  readonly timeMs: number;
  readonly bytes: Uint8Array;
  /** Messages of the slot that were waiting behind this one when it was handed out: how far the reader lags. */
  readonly pendingCount: number;
  /** What the writer gave, unread and when asked for; a log may forget it. No part of the message: nothing that is applied depends on it. */
  readonly traceParent?: () => string | undefined;
}

/** What one store of the log holds. */
export interface LogSize {
  /** A stream of the broker, or `log` where there is one store alone. */
  readonly stream: string;
  readonly bytes: number;
}

export interface ReadOptions {
  readonly slot: Slot;
  /** First sequence wanted; messages of other slots in the same stream are left out. */
  readonly from: Sequence;
  readonly signal: AbortSignal;
  /** At most so many messages in one group. */
  readonly maxMessages: number;
  /** A group is closed when it holds so many bytes (it may pass this by one message). */
  readonly maxBytes: number;
}

/** From where on a log may still have messages of a slot, and which log it is. */
export interface LogOrigin {
  /** Another name is another log, even at the same place. */
  readonly made: string;
  /** Every message below is gone. */
  readonly firstSequence: Sequence;
}

/**
 * The log of all mutations, in slots. Messages of one slot are totally ordered; sequences ascend but need not be dense.
 *
 * Invariants:
 * 1. `publish` resolves only when every entry is durable, and gives each its sequence, in the order of the entries.
 * 2. Entries of one call and one slot keep their order.
 * 3. `read` yields every message of the slot from `from` on, exactly once and in order, and then waits for more; it
 *    survives reconnects, and ends without an error when its signal aborts.
 *    It throws `log_incompatible` when the log ends before `from` - 1: then it is not the log that was read before,
 *    and `log_trimmed` when messages from `from` on may have been removed: it never leaves a message out in silence.
 * 4. Publishing an entry again with the same operation id is harmless: readers tell repetitions by the operation id.
 */
export interface MutationLog {
  readonly slots: number;
  /**
   * Rejects with `log_unavailable` when the entries are not durable inside the deadline; they may become so later.
   * `overloaded` when too much is waiting already, `invalid_field` for an entry over `BUS_LIMITS.entryBytes`.
   */
  publish(entries: readonly LogEntry[], options: { readonly timeoutMs: number }): Promise<readonly Sequence[]>;
  /** Non-empty groups of consecutive messages of one slot: all that have arrived, up to the bounds. */
  read(options: ReadOptions): AsyncIterable<readonly LogMessage[]>;
  /** Sequence of the last message in the slot, 0 when there is none. */
  lastSequence(slot: Slot): Promise<Sequence>;
  /**
   * Removes the messages of the slot below `before`, for good. The last message of a slot always stays. Whoever calls it knows that
   * nobody needs them: every replica has them on disk and a snapshot holds what they did.
   */
  trim(slot: Slot, before: Sequence): Promise<void>;
  /** Every message of the slot from here on is kept; those below may be gone. 0 when the slot was never trimmed. */
  trimmedBefore(slot: Slot): Promise<Sequence>;
  /** How large the log is where it lies, copies not counted; the embedded log only estimates it. Rejects with `log_unavailable`. */
  sizes(): Promise<readonly LogSize[]>;
  /**
   * For whoever follows a slot, to notice that the log was emptied or made anew under it: nothing from `trimmedBefore` on is ever gone. May be a
   * second old.
   */
  origin(slot: Slot): Promise<LogOrigin>;
  close(): Promise<void>;
}

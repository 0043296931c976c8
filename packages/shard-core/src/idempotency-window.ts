/**
 * What a slot remembers of messages that their callers may repeat under an idempotency key: far longer than of other messages,
 * on disk alone, forgotten after a time of the log or when they are too many.
 *
 * A window belongs to one run. It is part of the deterministic state: what each message forgets depends on the messages before it and
 * on its own time, never on how messages are grouped into runs.
 */
import type { Mutation, OperationId } from '@shoal/protocol';
import type { IdempotencyEntry, RecentOperation, RepeatableOperation, ShardStore, StoreBatch } from '@shoal/store';
import { SLOT_LIMITS } from './limits.ts';
import type { SlotMessage } from './read-message.ts';
import type { SlotState } from './slot-state.ts';

/** Entries that one message may make the slot forget: more than one, so that a window that was too large grows small again. */
const FORGOTTEN_PER_MESSAGE = 2;

export function idempotencyIdOf(mutation: Mutation): OperationId | undefined {
  return 'idempotencyId' in mutation ? mutation.idempotencyId : undefined;
}

export interface WindowBounds {
  readonly entries: number;
  readonly ms: number;
}

const BOUNDS: WindowBounds = { entries: SLOT_LIMITS.idempotencyEntries, ms: SLOT_LIMITS.idempotencyMs };

export class IdempotencyWindow {
  readonly #state: SlotState;
  readonly #batch: StoreBatch;
  readonly #bounds: WindowBounds;
  readonly #known: Map<OperationId, RepeatableOperation>;
  /** From the head on: as many as the run could forget. */
  readonly #oldest: IdempotencyEntry[];
  #head: number;
  #tail: number;

  private constructor(state: SlotState, batch: StoreBatch, bounds: WindowBounds, known: Map<OperationId, RepeatableOperation>, oldest: IdempotencyEntry[]) {
    this.#state = state;
    this.#batch = batch;
    this.#bounds = bounds;
    this.#known = known;
    this.#oldest = oldest;
    this.#head = state.idempotencyHead;
    this.#tail = state.idempotencyTail;
  }

  /** Reads what the mutations of a run could meet. Costs nothing where none can be repeated. */
  static async open(state: SlotState, store: ShardStore, batch: StoreBatch, mutations: readonly Mutation[], bounds: WindowBounds = BOUNDS): Promise<IdempotencyWindow> {
    const ids = mutations.map(idempotencyIdOf).filter((id) => id !== undefined);
    const known = new Map<OperationId, RepeatableOperation>();
    if (ids.length === 0) return new IdempotencyWindow(state, batch, bounds, known, []);
    const found = await store.idempotency(state.slot, ids);
    ids.forEach((id, index) => {
      const operation = found[index];
      if (operation !== undefined) known.set(id, operation);
    });
    const end = Math.min(state.idempotencyTail, state.idempotencyHead + ids.length * FORGOTTEN_PER_MESSAGE);
    return new IdempotencyWindow(state, batch, bounds, known, await store.idempotencyEntries(state.slot, state.idempotencyHead, end));
  }

  find(id: OperationId): RepeatableOperation | undefined {
    return this.#known.get(id);
  }

  /** Remembers a message that was applied for the first time. */
  add(message: SlotMessage, idempotencyId: OperationId, operation: RecentOperation): void {
    const entry: IdempotencyEntry = { idempotencyId, timeMs: message.timeMs };
    this.#batch.putIdempotency(this.#state.slot, this.#tail, entry, operation);
    this.#known.set(idempotencyId, operation);
    // Entries of the run itself may be the oldest there are.
    if (this.#head + this.#oldest.length === this.#tail) this.#oldest.push(entry);
    this.#tail += 1;
    this.#forget(message.timeMs);
  }

  /** Hands the ends of the window to the slot's state, with the batch that holds its rows. */
  get bounds(): { readonly head: number; readonly tail: number } {
    return { head: this.#head, tail: this.#tail };
  }

  #forget(nowMs: number): void {
    for (let forgotten = 0; forgotten < FORGOTTEN_PER_MESSAGE; forgotten += 1) {
      const [oldest] = this.#oldest;
      if (oldest === undefined) return;
      const tooMany = this.#tail - this.#head > this.#bounds.entries;
      if (!tooMany && oldest.timeMs > nowMs - this.#bounds.ms) return;
      this.#batch.removeIdempotency(this.#state.slot, this.#head, oldest);
      this.#known.delete(oldest.idempotencyId);
      this.#oldest.shift();
      this.#head += 1;
    }
  }
}

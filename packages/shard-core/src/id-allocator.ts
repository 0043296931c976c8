/**
 * Gives out the VecIds of one partition. It is part of the deterministic state: the same operations give the same ids on
 * every replica, so the grace period counts operations of the log and never asks a clock.
 *
 * Invariants:
 * 1. An id is live, freed or never given out; never two of these.
 * 2. A freed id comes back only after `graceOperations` further operations of the partition, oldest first.
 * 3. What happened since the last `commit` can be undone by `rollback`, so a group that cannot apply leaves no trace.
 */
import assert from 'node:assert';
import { LIMITS, type VecId } from '@shoal/protocol';
import type { FreedId } from '@shoal/store';

export interface Allocation {
  readonly id: VecId;
  /** Position in the free queue that the id came from; absent when the id is new. */
  readonly recycledFrom?: number;
}

export interface AllocatorState {
  readonly nextId: number;
  /** Position of the first entry of `freed`. */
  readonly freedHead: number;
  readonly freed: readonly FreedId[];
}

/** Consumed entries are cut off the array once there are so many, because cutting one at a time is linear each. */
const COMPACT_ENTRIES = 1_024;

export class IdAllocator {
  #queue: FreedId[];
  /** Position of #queue[0]. */
  #base: number;
  #head: number;
  #nextId: number;
  readonly #graceOperations: number;
  #committed: { nextId: number; head: number; tail: number };

  constructor(state: AllocatorState, graceOperations: number) {
    this.#queue = [...state.freed];
    this.#base = state.freedHead;
    this.#head = state.freedHead;
    this.#nextId = state.nextId;
    this.#graceOperations = graceOperations;
    this.#committed = { nextId: this.#nextId, head: this.#head, tail: this.freedTail };
  }

  get nextId(): number {
    return this.#nextId;
  }

  get freedHead(): number {
    return this.#head;
  }

  get freedTail(): number {
    return this.#base + this.#queue.length;
  }

  /** Undefined when the partition has as many ids as it may have. */
  allocate(operationCount: number): Allocation | undefined {
    const oldest = this.#queue[this.#head - this.#base];
    if (oldest !== undefined && oldest.freedAtOperation + this.#graceOperations <= operationCount) {
      this.#head += 1;
      return { id: oldest.id, recycledFrom: this.#head - 1 };
    }
    if (this.#nextId >= LIMITS.vectorsPerPartition) return undefined;
    this.#nextId += 1;
    return { id: (this.#nextId - 1) as VecId };
  }

  /** Returns the position of the id in the free queue. */
  free(freed: FreedId): number {
    assert(freed.id < this.#nextId, 'only an id that was given out can be freed');
    this.#queue.push(freed);
    return this.freedTail - 1;
  }

  commit(): void {
    const consumed = this.#head - this.#base;
    if (consumed > COMPACT_ENTRIES && consumed * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(consumed);
      this.#base = this.#head;
    }
    this.#committed = { nextId: this.#nextId, head: this.#head, tail: this.freedTail };
  }

  rollback(): void {
    this.#nextId = this.#committed.nextId;
    this.#head = this.#committed.head;
    this.#queue.length = this.#committed.tail - this.#base;
  }
}

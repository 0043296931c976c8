/**
 * What a slot remembers of its newest messages: their operation ids, so that a message published twice applies once, and
 * their outcomes, so that a writer can be told. It is part of the deterministic state and bounded by count and bytes.
 */
import type { OperationId, Sequence } from '@shoal/protocol';
import type { RecentOperation } from '@shoal/store';

export interface RecentBounds {
  readonly count: number;
  readonly outcomeBytes: number;
}

export class RecentOperations {
  readonly #byPosition = new Map<number, RecentOperation>();
  readonly #byOperationId = new Map<OperationId, RecentOperation>();
  readonly #bySequence = new Map<Sequence, RecentOperation>();
  readonly #bounds: RecentBounds;
  #head: number;
  #tail: number;
  #outcomeBytes = 0;

  constructor(head: number, bounds: RecentBounds) {
    this.#head = head;
    this.#tail = head;
    this.#bounds = bounds;
  }

  get head(): number {
    return this.#head;
  }

  get tail(): number {
    return this.#tail;
  }

  find(operationId: OperationId): RecentOperation | undefined {
    return this.#byOperationId.get(operationId);
  }

  at(sequence: Sequence): RecentOperation | undefined {
    return this.#bySequence.get(sequence);
  }

  /** Of the oldest message at or beyond a sequence; undefined when there is none. */
  oldestFrom(sequence: Sequence): Sequence | undefined {
    let [low, high] = [this.#head, this.#tail];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#byPosition.get(middle)?.sequence ?? 0) >= sequence) high = middle;
      else low = middle + 1;
    }
    return this.#byPosition.get(low)?.sequence;
  }

  /** Adds the newest operation; returns the positions that fall out. */
  add(operation: RecentOperation): number[] {
    this.#byPosition.set(this.#tail, operation);
    this.#tail += 1;
    this.#byOperationId.set(operation.operationId, operation);
    this.#bySequence.set(operation.sequence, operation);
    this.#outcomeBytes += operation.outcomes.length;
    const forgotten: number[] = [];
    while (this.#tail - this.#head > this.#bounds.count || (this.#outcomeBytes > this.#bounds.outcomeBytes && this.#tail - this.#head > 1)) {
      forgotten.push(this.#head);
      this.#forgetOldest();
    }
    return forgotten;
  }

  #forgetOldest(): void {
    const oldest = this.#byPosition.get(this.#head);
    this.#byPosition.delete(this.#head);
    this.#head += 1;
    if (oldest === undefined) return;
    this.#outcomeBytes -= oldest.outcomes.length;
    this.#bySequence.delete(oldest.sequence);
    // A repetition has its own entry under the same id; only the newest entry is in the map.
    if (this.#byOperationId.get(oldest.operationId) === oldest) this.#byOperationId.delete(oldest.operationId);
  }
}

/** Callers that wait until a slot has applied a sequence, each with a deadline. */
import type { Timers } from '@shoal/pacing';
import { ShoalError, type Sequence } from '@shoal/protocol';
import { PACE } from './limits.ts';

interface Waiter {
  readonly sequence: Sequence;
  readonly resolve: () => void;
  readonly reject: (error: ShoalError) => void;
  readonly cancelTimer: () => void;
}

export class AppliedWaiters {
  readonly #timers: Timers;
  readonly #waiters = new Set<Waiter>();
  #closed: ShoalError | undefined;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Resolves when `reached` is called with the sequence or a later one; rejects with `receipt_timeout` at the deadline. */
  wait(sequence: Sequence, timeoutMs: number): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (this.#waiters.size >= PACE.appliedWaiters) {
      return Promise.reject(new ShoalError('overloaded', 'Too many requests wait for writes to be applied. Try again shortly.'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancelTimer = this.#timers.after(timeoutMs, () => {
      this.#waiters.delete(waiter);
      reject(new ShoalError('receipt_timeout', `Sequence ${sequence} was not applied within ${timeoutMs} ms. Try again, or allow more time with timeoutMs.`));
    });
    const waiter: Waiter = { sequence, resolve, reject, cancelTimer };
    this.#waiters.add(waiter);
    return promise;
  }

  reached(sequence: Sequence): void {
    for (const waiter of this.#waiters) {
      if (waiter.sequence > sequence) continue;
      this.#waiters.delete(waiter);
      waiter.cancelTimer();
      waiter.resolve();
    }
  }

  /** Rejects everyone who waits, now and later. */
  close(error: ShoalError): void {
    this.#closed = error;
    for (const waiter of this.#waiters) {
      waiter.cancelTimer();
      waiter.reject(error);
    }
    this.#waiters.clear();
  }
}

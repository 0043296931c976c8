/** Callers that wait until a slot has applied a sequence, each with a deadline. */
import { ShoalError, type Sequence } from '@shoal/protocol';
import { PACE } from './limits.ts';

/** Runs a callback after a time, and can be told not to. */
export interface Timers {
  after(delayMs: number, run: () => void): { cancel(): void };
}

interface Waiter {
  readonly sequence: Sequence;
  readonly resolve: () => void;
  readonly reject: (error: ShoalError) => void;
  readonly timer: { cancel(): void };
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
    const timer = this.#timers.after(timeoutMs, () => {
      this.#waiters.delete(waiter);
      reject(new ShoalError('receipt_timeout', `Sequence ${sequence} was not applied within ${timeoutMs} ms. Try again, or allow more time with timeoutMs.`));
    });
    const waiter: Waiter = { sequence, resolve, reject, timer };
    this.#waiters.add(waiter);
    return promise;
  }

  reached(sequence: Sequence): void {
    for (const waiter of this.#waiters) {
      if (waiter.sequence > sequence) continue;
      this.#waiters.delete(waiter);
      waiter.timer.cancel();
      waiter.resolve();
    }
  }

  /** Rejects everyone who waits, now and later. */
  close(error: ShoalError): void {
    this.#closed = error;
    for (const waiter of this.#waiters) {
      waiter.timer.cancel();
      waiter.reject(error);
    }
    this.#waiters.clear();
  }
}

import { ShoalError } from '@shoal/protocol';
import type { Timers } from './clock.ts';
import { FairQueue, type FairQueueOptions } from './fair-queue.ts';

export interface FairGateOptions extends FairQueueOptions {
  /** Entered at one time, all tenants together. */
  readonly places: number;
  /** Entered at one time by one tenant. */
  readonly placesPerTenant: number;
  /** Places for which somebody waits, all tenants together. When they are too many, the last one of whoever wants most is turned away. */
  readonly waiting: number;
  /** Who has waited for so long is turned away. */
  readonly waitMs: number;
  /** What the gate leads to, for the sentence of a refusal: "too many ... wait". */
  readonly subject: string;
  readonly timers: Timers;
}

interface Waiter {
  readonly tenant: string;
  readonly places: number;
  readonly admit: () => void;
  readonly refuse: (error: ShoalError) => void;
  gone: boolean;
}

/**
 * Lets a bounded number in, tenants by turns.
 *
 * Invariants:
 * 1. At most `places` are taken, at most `placesPerTenant` of them by one tenant, but for what the last to enter takes beyond by taking several; at most `waiting` are waited for.
 * 2. Who finds a free place and nobody waiting enters in the same turn of the event loop, without a promise.
 * 3. Everyone who waits is let in, turned away with `overloaded`, or has gone away by its signal.
 */
export class FairGate {
  readonly #options: FairGateOptions;
  readonly #queue: FairQueue<Waiter>;
  readonly #insideByTenant = new Map<string, number>();
  #inside = 0;

  constructor(options: FairGateOptions) {
    this.#options = options;
    this.#queue = new FairQueue(options);
  }

  get inside(): number {
    return this.#inside;
  }

  /** Places that are waited for. */
  get waiting(): number {
    return this.#queue.weight;
  }

  /** Whether the caller is inside now, which needs one `leave` of as many places; false when it would have to wait. */
  tryEnter(tenant: string, places = 1): boolean {
    if (this.#queue.size > 0 || !this.#mayEnter(tenant)) return false;
    this.#admit(tenant, places);
    return true;
  }

  /** Undefined when the caller is inside already. Throws or rejects with `overloaded`; every entry needs one `leave` of as many places. */
  enter(tenant: string, cost = 1, signal?: AbortSignal, places = 1): Promise<void> | undefined {
    return this.tryEnter(tenant, places) ? undefined : this.#wait(tenant, cost, signal, places);
  }

  leave(tenant: string, places = 1): void {
    const count = (this.#insideByTenant.get(tenant) ?? 0) - places;
    if (count > 0) this.#insideByTenant.set(tenant, count);
    else this.#insideByTenant.delete(tenant);
    this.#inside -= places;
    this.#letIn();
  }

  #mayEnter(tenant: string): boolean {
    const { places, placesPerTenant } = this.#options;
    return this.#inside < places && (this.#insideByTenant.get(tenant) ?? 0) < placesPerTenant;
  }

  #admit(tenant: string, places: number): void {
    this.#inside += places;
    this.#insideByTenant.set(tenant, (this.#insideByTenant.get(tenant) ?? 0) + places);
  }

  #wait(tenant: string, cost: number, signal: AbortSignal | undefined, places: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const end = (): void => {
      waiter.gone = true;
      cancel();
      signal?.removeEventListener('abort', onAbort);
    };
    const onAbort = (): void => {
      end();
      reject(signal?.reason);
    };
    const waiter: Waiter = {
      tenant,
      places,
      gone: false,
      admit: () => {
        end();
        resolve();
      },
      refuse: (error) => {
        end();
        reject(error);
      },
    };
    const cancel = this.#options.timers.after(this.#options.waitMs, () => waiter.refuse(this.#overloaded()));
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#queue.push(tenant, waiter, cost, places);
    if (this.waiting > this.#options.waiting) this.#turnAway();
    // A tenant with all of its places taken may stand before one that could enter.
    this.#letIn();
    return promise;
  }

  #turnAway(): void {
    this.#queue.prune(({ gone }) => gone);
    while (this.waiting > this.#options.waiting) {
      const longest = this.#queue.longest();
      if (longest === undefined) return;
      this.#queue.dropNewest(longest)?.refuse(this.#overloaded());
    }
  }

  #letIn(): void {
    while (this.#inside < this.#options.places) {
      const waiter = this.#queue.take((tenant) => this.#mayEnter(tenant));
      if (waiter === undefined) return;
      if (waiter.gone) continue;
      this.#admit(waiter.tenant, waiter.places);
      waiter.admit();
    }
  }

  #overloaded(): ShoalError {
    return new ShoalError('overloaded', `Too many ${this.#options.subject} wait. Try again shortly.`, { limit: this.#options.waiting });
  }
}

import type { Registry, RegistryEntry } from '@shoal/bus';
import { ShoalError } from '@shoal/protocol';
import { withDeadline, type Timers } from '@shoal/pacing';

/** The registry with a deadline on every remote wait; `bus_unreachable` when it passes. The outcome of the call is then unknown. */
export class BoundedRegistry {
  readonly #registry: Registry;
  readonly #timeoutMs: number;
  readonly #timers: Timers;

  constructor(registry: Registry, timeoutMs: number, timers: Timers) {
    this.#registry = registry;
    this.#timeoutMs = timeoutMs;
    this.#timers = timers;
  }

  get(key: string): Promise<RegistryEntry | undefined> {
    return this.#bound(this.#registry.get(key));
  }

  create(key: string, value: Uint8Array): Promise<number | undefined> {
    return this.#bound(this.#registry.create(key, value));
  }

  update(key: string, value: Uint8Array, expectedRevision: number): Promise<number | undefined> {
    return this.#bound(this.#registry.update(key, value, expectedRevision));
  }

  delete(key: string, expectedRevision: number): Promise<boolean> {
    return this.#bound(this.#registry.delete(key, expectedRevision));
  }

  #bound<T>(work: Promise<T>): Promise<T> {
    return withDeadline(work, this.#timeoutMs, this.#timers, () =>
      new ShoalError('bus_unreachable', `The registry did not answer within ${this.#timeoutMs} ms.`));
  }
}

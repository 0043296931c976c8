import { newCatalogue } from './catalogue-check.ts';
import { FaultyBus } from './faulty-bus.ts';
import type { MemoryBus } from './memory-bus.ts';

/** A catalogue that stops before chosen calls (counted from 0) of registry and log, until the test lets it go on. */
export class SteppedGateway {
  readonly catalogue: ReturnType<typeof newCatalogue>;
  readonly #stops: number[];
  #callCount = 0;
  #arrived = Promise.withResolvers<void>();
  #leave = Promise.withResolvers<void>();

  constructor(bus: MemoryBus, stops: readonly number[]) {
    this.#stops = [...stops];
    this.catalogue = newCatalogue(new FaultyBus(bus, Infinity, 'before', () => this.#pace()));
  }

  /** Resolves when the gateway stands before its next stop. */
  stopped(): Promise<void> {
    return this.#arrived.promise;
  }

  goOn(): void {
    this.#arrived = Promise.withResolvers<void>();
    this.#leave.resolve();
    this.#leave = Promise.withResolvers<void>();
  }

  async #pace(): Promise<void> {
    const call = this.#callCount;
    this.#callCount += 1;
    if (call !== this.#stops[0]) return;
    this.#stops.shift();
    this.#arrived.resolve();
    await this.#leave.promise;
  }
}

import { parseEmbeddingCode, type EmbeddingCode } from '@shoal/protocol';
import type { Timers } from '@shoal/pacing';
import type { BoundedRegistry } from './bounded-registry.ts';
import { untilSettled } from './contention.ts';
import { CATALOGUE_KEYS } from './keys.ts';
import { decodeCounter, encodeCounter } from './records.ts';

/** Gives out embedding codes by compare-and-set on one counter: ascending, never twice. A code that ends up unused is lost. */
export class CodeAllocator {
  readonly #registry: BoundedRegistry;
  readonly #timers: Timers;
  /** Requests of this gateway take their turns, so that they do not defeat each other's compare-and-set. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(registry: BoundedRegistry, timers: Timers) {
    this.#registry = registry;
    this.#timers = timers;
  }

  next(): Promise<EmbeddingCode> {
    const mine = this.#turn.then(() => this.#allocate());
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  #allocate(): Promise<EmbeddingCode> {
    const key = CATALOGUE_KEYS.counter;
    return untilSettled(this.#timers, 'Taking the next embedding code', async () => {
      const entry = await this.#registry.get(key);
      const lastCode = entry === undefined ? 0 : decodeCounter(key, entry.value).lastCode;
      const value = encodeCounter({ lastCode: lastCode + 1 });
      const revision = entry === undefined
        ? await this.#registry.create(key, value)
        : await this.#registry.update(key, value, entry.revision);
      return revision === undefined ? undefined : parseEmbeddingCode(lastCode + 1);
    });
  }
}

import { ShoalError, parseEmbeddingCode, type EmbeddingCode } from '@shoal/protocol';
import { GATEWAY_LIMITS } from '../limits.ts';
import type { BoundedRegistry } from './bounded-registry.ts';
import { CATALOGUE_KEYS } from './keys.ts';
import { decodeCounter, encodeCounter } from './records.ts';

/** Gives out embedding codes by compare-and-set on one counter: ascending, never twice. A code that ends up unused is lost. */
export class CodeAllocator {
  readonly #registry: BoundedRegistry;
  /** Requests of this gateway take their turns, so that they do not defeat each other's compare-and-set. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(registry: BoundedRegistry) {
    this.#registry = registry;
  }

  next(): Promise<EmbeddingCode> {
    const mine = this.#turn.then(() => this.#allocate());
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #allocate(): Promise<EmbeddingCode> {
    const key = CATALOGUE_KEYS.counter;
    for (let attempt = 0; attempt < GATEWAY_LIMITS.registryAttempts; attempt += 1) {
      const entry = await this.#registry.get(key);
      const lastCode = entry === undefined ? 0 : decodeCounter(key, entry.value).lastCode;
      const value = encodeCounter({ lastCode: lastCode + 1 });
      const revision = entry === undefined
        ? await this.#registry.create(key, value)
        : await this.#registry.update(key, value, entry.revision);
      if (revision !== undefined) return parseEmbeddingCode(lastCode + 1);
    }
    throw new ShoalError('overloaded', 'Too many embeddings are being registered at the same moment.');
  }
}

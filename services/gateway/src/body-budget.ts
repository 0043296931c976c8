import { ShoalError } from '@shoal/protocol';

/** Counts the bytes of request bodies that are held; refuses what would pass the bound. */
export class BodyBudget {
  readonly #limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Throws `overloaded` when the bytes do not fit. */
  reserve(bytes: number): void {
    if (this.#usedBytes + bytes > this.#limitBytes) {
      throw new ShoalError('overloaded', 'Too many request bodies are under way.', { limit: this.#limitBytes });
    }
    this.#usedBytes += bytes;
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

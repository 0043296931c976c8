import type { EmbeddingCode } from '@shoal/protocol';
import { LIMITS } from '@shoal/protocol';
import { SHARD_LIMITS } from './limits.ts';

/** What tells whether memory was freed since a write found none. */
export interface MemoryUse {
  /** Of the whole engine. */
  readonly usedBytes: number;
  /** Of the embedding in this slot: an id that a deleted vector gave back needs no new memory. */
  readonly vectorCount: number;
}

interface Shortage extends MemoryUse {
  readonly atMs: number;
}

/**
 * Embeddings of one slot whose writes found no memory, so that gateways refuse further ones before they are logged. One is forgotten when memory
 * was freed, vectors of it were deleted, or SHARD_LIMITS.memoryShortageMs passed; then a write is tried again.
 */
export class MemoryShortages {
  readonly #useOf: (code: EmbeddingCode) => MemoryUse;
  readonly #nowMs: () => number;
  readonly #shortages = new Map<EmbeddingCode, Shortage>();

  constructor(useOf: (code: EmbeddingCode) => MemoryUse, nowMs: () => number) {
    this.#useOf = useOf;
    this.#nowMs = nowMs;
  }

  note(code: EmbeddingCode): void {
    if (this.#shortages.size >= LIMITS.embeddingsWithoutMemory && !this.#shortages.has(code)) return;
    this.#shortages.set(code, { ...this.#useOf(code), atMs: this.#nowMs() });
  }

  /** Those that are still short. */
  codes(): readonly EmbeddingCode[] {
    if (this.#shortages.size === 0) return [];
    const nowMs = this.#nowMs();
    for (const [code, { usedBytes, vectorCount, atMs }] of this.#shortages) {
      const use = this.#useOf(code);
      if (use.usedBytes < usedBytes || use.vectorCount < vectorCount || nowMs - atMs > SHARD_LIMITS.memoryShortageMs) this.#shortages.delete(code);
    }
    return [...this.#shortages.keys()];
  }
}

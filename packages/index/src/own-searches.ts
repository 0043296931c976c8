import type { Address, Kernel, WasmMemory } from '@shoal/kernel';
import { PATH_CODES } from '@shoal/kernel';
import { EngineFailedError } from './errors.ts';
import { OWN_COMPONENTS_MAX } from './limits.ts';
import { RequestRing } from './request-ring.ts';
import type { BatchParts, SearchBatch } from './search-batch.ts';
import type { SpareTime } from './spare-time.ts';

export interface OwnSearchesParts {
  readonly kernel: Kernel;
  readonly memory: WasmMemory;
  /** Areas of this thread; of the ring one place is used. */
  readonly scratch: Address;
  readonly ring: Address;
  readonly spareTime: SpareTime;
  readonly onDeath: (error: EngineFailedError) => void;
}

/**
 * Searches that the calling thread does by itself while it has time to spare, within the call that asks for them. Only short ones: walks of a
 * graph with a beam that is not wide, or scans of few vectors, without a filter.
 */
export class OwnSearches {
  readonly #parts: OwnSearchesParts;
  readonly #ring: RequestRing;
  #hasDied = false;

  constructor(parts: OwnSearchesParts) {
    this.#parts = parts;
    this.#ring = new RequestRing(parts.memory, parts.ring);
  }

  /** Answers as many queries of the batch as there is time for. */
  answer(batch: SearchBatch): void {
    if (!this.#isShort(batch.parts)) return;
    while (!this.#hasDied && batch.waitingCount > 0 && this.#parts.spareTime.spend(() => this.#answerSome(batch)));
  }

  #answerSome(batch: SearchBatch): void {
    const { kernel, scratch, onDeath } = this.#parts;
    const { index, dim, places, rerankCount, settings: { k, ef, path } } = batch.parts;
    const ring = this.#ring;
    const piece = batch.take(1);
    ring.open(0, index, k, ef, PATH_CODES[path], rerankCount, 0, places);
    ring.addQueries(0, dim, batch.queriesOf(piece));
    try {
      ring.search(kernel, scratch, 0);
    } catch (cause) {
      this.#hasDied = true;
      const error = new EngineFailedError(cause);
      batch.fail(error);
      return onDeath(error);
    }
    // All are copied before any is given out: what it leads to may search again.
    const hits = ring.answers(0);
    hits.forEach((found, i) => { batch.answer(piece.first + i, found); });
  }

  #isShort({ index, dim, settings: { k, ef, path, filter } }: BatchParts): boolean {
    if (filter !== undefined || path === 'flat') return false;
    const { kernel } = this.#parts;
    const width = kernel.graphReady(index) === 1 ? Math.max(ef, k) : kernel.vectorCount(index) >>> 0;
    return width * dim <= OWN_COMPONENTS_MAX;
  }
}

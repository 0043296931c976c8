/** Fills the indexes of fields that were declared after there were payloads, or that a restart has emptied, in pages between other work. */
import { ShoalError, type VecId } from '@shoal/protocol';
import type { PartitionRef, ShardStore } from '@shoal/store';
import { PACE } from '../limits.ts';
import type { PayloadIndex } from './payload-index.ts';

/**
 * Invariants:
 * 1. At most one filling of a partition is under way; fields that are declared meanwhile are filled after it.
 * 2. Whoever asks for a field that is not filled waits for it: no answer is ever given from half an index.
 */
export class FieldFilling {
  readonly #index: PayloadIndex;
  readonly #store: ShardStore;
  readonly #ref: PartitionRef;
  readonly #stop = new AbortController();
  #work: Promise<void> | undefined;

  constructor(index: PayloadIndex, store: ShardStore, ref: PartitionRef) {
    this.#index = index;
    this.#store = store;
    this.#ref = ref;
  }

  /** Fills what is not filled yet, unless that is under way. */
  start(): void {
    if (this.#work !== undefined || this.#index.unfilled().length === 0) return;
    const work = this.#fillAll().finally(() => {
      this.#work = undefined;
    });
    // Whoever needs the field gets the error; without anybody it is tried again by the next who asks.
    work.catch(() => undefined);
    this.#work = work;
  }

  /** Resolves when all of these fields are filled. */
  async filled(names: readonly string[]): Promise<void> {
    while (!this.isFilled(names)) {
      this.#stop.signal.throwIfAborted();
      this.start();
      await this.#work;
    }
  }

  isFilled(names: readonly string[]): boolean {
    return names.every((name) => this.#index.isFilled(name));
  }

  /** Ends the filling; resolves when it has let go of the store. */
  async close(): Promise<void> {
    this.#stop.abort(new ShoalError('slot_unavailable', 'The slot is closing on this shard. Try again.'));
    await this.#work?.catch(() => undefined);
  }

  async #fillAll(): Promise<void> {
    for (;;) {
      const names = this.#index.unfilled().map(({ name }) => name);
      if (names.length === 0) return;
      await this.#fill(names);
    }
  }

  async #fill(names: readonly string[]): Promise<void> {
    let from = 0;
    for (;;) {
      this.#stop.signal.throwIfAborted();
      this.#index.beginPage();
      const page = await this.#store.payloadsFrom(this.#ref, from as VecId, PACE.fillPagePayloads);
      this.#index.addPage(names, page);
      const last = page.at(-1);
      if (last === undefined || page.length < PACE.fillPagePayloads) break;
      from = last.id + 1;
    }
    this.#index.markFilled(names);
  }
}

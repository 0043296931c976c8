/**
 * The vectors of a partition whose index keeps codes alone, for the exact distances of searches. A view reads the rows that the store has when
 * a search begins. What is put from then on is held here until every search that was under way when its rows were written has settled: so a
 * view has each vector that its search can meet, though the key was replaced or deleted meanwhile, and no search runs twice for that.
 *
 * Invariants:
 * 1. A vector is held from before the index has it, and until no view that lacks its row is open.
 * 2. At most PACE.heldRuns runs are held whose rows are written; the next run waits for the oldest of them.
 */
import type { IndexOp, VectorIndex, VectorSource, VectorView } from '@shoal/index';
import type { VecId } from '@shoal/protocol';
import type { PartitionRef, ShardStore } from '@shoal/store';
import { PACE } from './limits.ts';

export class PartitionVectors implements VectorSource {
  readonly #store: ShardStore;
  readonly #ref: PartitionRef;
  readonly #held = new Map<number, Float32Array>();
  readonly #written: Promise<void>[] = [];

  constructor(store: ShardStore, ref: PartitionRef) {
    this.#store = store;
    this.#ref = ref;
  }

  view(): VectorView {
    const view = this.#store.view();
    return {
      read: async (ids) => {
        const held = ids.map((id) => this.#held.get(id));
        const wanted = ids.filter((_, index) => held[index] === undefined) as VecId[];
        const rows = await view.values(this.#ref, wanted);
        let next = 0;
        return held.map((vector) => vector ?? rows[next++]);
      },
      close: () => view.close(),
    };
  }

  /** Holds what a run puts, before the index has it. */
  async stage(operations: readonly IndexOp[]): Promise<void> {
    while (this.#written.length >= PACE.heldRuns) await this.#written[0];
    // The vectors of a run are parts of its messages, which need not outlive it.
    for (const operation of operations) if (operation.type === 'put') this.#held.set(operation.id, operation.vector.slice());
  }

  /** Forgets a run that the index did not take. */
  unstage(operations: readonly IndexOp[]): void {
    for (const operation of operations) if (operation.type === 'put') this.#held.delete(operation.id);
  }

  /** To be called when the rows of a run are in the store. */
  written(operations: readonly IndexOp[], index: VectorIndex): void {
    const vectors = operations.flatMap(({ type, id }) => (type === 'put' ? [[id, this.#held.get(id)] as const] : []));
    if (vectors.length === 0) return;
    const released = index.quiesce().then(() => {
      for (const [id, vector] of vectors) if (this.#held.get(id) === vector) this.#held.delete(id);
      this.#written.splice(this.#written.indexOf(released), 1);
    });
    this.#written.push(released);
  }

  get heldCount(): number {
    return this.#held.size;
  }
}

/** Undefined where the index keeps the vectors themselves. */
export function vectorsOf(store: ShardStore, ref: PartitionRef, { rabitq }: { readonly rabitq: { readonly memory?: string } }): PartitionVectors | undefined {
  return rabitq.memory === 'codes' ? new PartitionVectors(store, ref) : undefined;
}

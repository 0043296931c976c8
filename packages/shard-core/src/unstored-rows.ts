/**
 * The rows of runs that are on their way: the index has them, or will at once, and the store not yet. Under writes without a pause there is always such
 * a run, and a search whose hits are of it would find no rows however often it looked.
 *
 * Invariants:
 * 1. A run is held from before the index has it until its rows are in the store.
 * 2. Nothing is told while a run changes payloads of vectors that were there before: its rows would be shown without those changes.
 */
import type { VecId } from '@shoal/protocol';
import type { VectorRows } from '@shoal/store';
import type { PartitionPlan } from './write-plan.ts';

export type FoundRow = Pick<VectorRows, 'values' | 'payload'>;

export class UnstoredRows {
  readonly #runs = new Map<PartitionPlan, ReadonlyMap<number, FoundRow> | undefined>();

  hold(plan: PartitionPlan): void {
    const { added, changed } = plan.changes;
    if (changed.length > 0) return void this.#runs.set(plan, undefined);
    const payloads = new Map(added.map(({ id, payload }) => [id as number, payload]));
    this.#runs.set(plan, new Map(plan.indexOps.flatMap((operation) => {
      if (operation.type !== 'put') return [];
      const payload = payloads.get(operation.id);
      return [[operation.id, { values: operation.vector, ...(payload === undefined ? {} : { payload }) }] as const];
    })));
  }

  release(plan: PartitionPlan): void {
    this.#runs.delete(plan);
  }

  /** Of the ids, in their order; undefined for those that the store has to be asked for. To be called in the same turn as the store. */
  of(ids: readonly VecId[]): (FoundRow | undefined)[] {
    const runs = [...this.#runs.values()];
    if (runs.length === 0 || runs.includes(undefined)) return ids.map(() => undefined);
    return ids.map((id) => runs.find((run) => run?.has(id) === true)?.get(id));
  }
}

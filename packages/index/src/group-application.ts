import assert from 'node:assert';
import { DIED_NEVER, MAX_DIM } from '@shoal/kernel';
import type { Address, Kernel } from '@shoal/kernel';
import { OP_ID_MASK, OP_PUT, OP_SHIFT } from './group.ts';
import type { Group } from './group.ts';
import { CENTRE_SAMPLE, RESERVE_IDS } from './limits.ts';
import type { MemoryViews } from './memory-views.ts';

/** What the thread that writes needs: its kernel instance, working memory, and a span to hand over vectors and ids. */
export interface WriterContext {
  readonly kernel: Kernel;
  readonly views: MemoryViews;
  readonly scratch: Address;
  /** STAGING_BYTES long. */
  readonly staging: Address;
}

export const STAGING_BYTES = 4 * Math.max(MAX_DIM, RESERVE_IDS);

/**
 * Applies one group to an index in slices. `begin` takes all memory; once it returned true nothing can fail. The group becomes
 * visible in the slice that applies its last operation; the slices after that repair the graph around what it removed.
 */
export class GroupApplication {
  readonly #writer: WriterContext;
  readonly #index: Address;
  readonly #dim: number;
  readonly #group: Group;
  #next = 0;
  #nextVector = 0;
  #nextRepair = 0;
  readonly #removed: number[] = [];

  constructor(writer: WriterContext, index: Address, dim: number, group: Group) {
    this.#writer = writer;
    this.#index = index;
    this.#dim = dim;
    this.#group = group;
  }

  /** Checks the operations and reserves memory; false when memory is full. */
  begin(): boolean {
    this.#check();
    const { kernel, views, staging } = this.#writer;
    const end = staging + STAGING_BYTES;
    let count = 0;
    for (const op of this.#group.ops) {
      if (op >>> OP_SHIFT !== OP_PUT) continue;
      views.u32(end)[staging / 4 + count++] = op & OP_ID_MASK;
      if (count < RESERVE_IDS) continue;
      if (kernel.reserve(this.#index, staging, count, this.#group.putCount) === 0) return false;
      count = 0;
    }
    if (count > 0 && kernel.reserve(this.#index, staging, count, this.#group.putCount) === 0) return false;
    if (this.#group.putCount > 0 && kernel.awaitsCentre(this.#index) === 1) this.#placeCentre();
    return true;
  }

  /** An index that keeps codes alone takes its centre from the first vectors of its first group: afterwards they are gone. */
  #placeCentre(): void {
    const { kernel, views, scratch, staging } = this.#writer;
    const count = Math.min(this.#group.putCount, CENTRE_SAMPLE);
    for (let n = 1; n <= count; n++) {
      views.f32(staging + STAGING_BYTES).set(this.#group.vectors.subarray((n - 1) * this.#dim, n * this.#dim), staging / 4);
      kernel.addToCentre(scratch, this.#index, staging, n);
    }
    kernel.settleCentre(this.#index, count);
  }

  /** Applies up to `opCount` operations or repairs; true when the group is done. */
  step(opCount: number): boolean {
    const { kernel, scratch } = this.#writer;
    const end = Math.min(this.#group.ops.length, this.#next + opCount);
    let budget = opCount - (end - this.#next);
    if (this.#next < this.#group.ops.length) {
      while (this.#next < end) this.#apply(this.#group.ops[this.#next++] as number);
      if (end === this.#group.ops.length) kernel.publish(this.#index);
    }
    if (this.#next < this.#group.ops.length) return false;
    for (; budget > 0 && this.#nextRepair < this.#removed.length; budget--) {
      kernel.repair(scratch, this.#index, this.#removed[this.#nextRepair++] as number);
    }
    return this.#nextRepair === this.#removed.length;
  }

  #apply(op: number): void {
    const { kernel, views, scratch, staging } = this.#writer;
    const id = op & OP_ID_MASK;
    if (op >>> OP_SHIFT === OP_PUT) {
      views.f32(staging + STAGING_BYTES).set(this.#group.vectors.subarray(this.#nextVector, this.#nextVector + this.#dim), staging / 4);
      this.#nextVector += this.#dim;
      kernel.put(scratch, this.#index, id, staging);
    } else {
      kernel.remove(this.#index, id);
      this.#removed.push(id);
    }
  }

  /** A put needs an id that is not live and not removed by this very group; a remove needs a live one. */
  #check(): void {
    const { kernel } = this.#writer;
    const liveInGroup = new Map<number, boolean>();
    for (const op of this.#group.ops) {
      const id = op & OP_ID_MASK;
      const before = liveInGroup.get(id);
      const live = before ?? kernel.diedAt(this.#index, id) >>> 0 === DIED_NEVER;
      if (op >>> OP_SHIFT === OP_PUT) {
        assert(!live, `put of id ${id}, which is live`);
        assert(before === undefined, `put of id ${id} in the group that removes it`);
        liveInGroup.set(id, true);
      } else {
        assert(live, `remove of id ${id}, which is not live`);
        liveInGroup.set(id, false);
      }
    }
  }
}

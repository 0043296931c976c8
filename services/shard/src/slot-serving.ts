import type { RequestHandler, Requests, Serving } from '@shoal/bus';
import { SUBJECTS, type ShardId, type Slot } from '@shoal/protocol';

export interface SlotServingOptions {
  readonly requests: Requests;
  readonly slot: Slot;
  readonly shard: ShardId;
  readonly handler: RequestHandler;
  /** Whether another replica is ahead already: then the slot does not join the group yet. */
  readonly lagging: boolean;
}

/**
 * How a slot is asked here: by the name of this shard, and in the queue group of its replicas while it keeps pace. One that lags leaves
 * the group but still answers by name: a reader may have no other.
 */
export class SlotServing {
  readonly #options: SlotServingOptions;
  readonly #byName: Serving;
  #inGroup: Serving | undefined;
  #change: Promise<void> = Promise.resolve();
  #lagging: boolean;

  private constructor(options: SlotServingOptions, byName: Serving, inGroup: Serving | undefined) {
    this.#options = options;
    this.#byName = byName;
    this.#inGroup = inGroup;
    this.#lagging = options.lagging;
  }

  static async open(options: SlotServingOptions): Promise<SlotServing> {
    const { requests, slot, shard, handler, lagging } = options;
    const byName = await requests.serve(SUBJECTS.queryOf(slot, shard), handler);
    try {
      return new SlotServing(options, byName, lagging ? undefined : await requests.serve(SUBJECTS.query(slot), handler));
    } catch (error) {
      await byName.close();
      throw error;
    }
  }

  get lagging(): boolean {
    return this.#lagging;
  }

  /** Leaves the group, or joins it again. Changes follow one another in the order of the calls; rejects when the bus does. */
  setLagging(lagging: boolean): Promise<void> {
    this.#lagging = lagging;
    const change = this.#change.then(() => this.#settle());
    this.#change = change.catch(() => undefined);
    return change;
  }

  async close(): Promise<void> {
    await Promise.all([this.setLagging(true), this.#byName.close()]);
  }

  /** Does what was wanted last. */
  async #settle(): Promise<void> {
    const { requests, slot, handler } = this.#options;
    if (this.#lagging) {
      const inGroup = this.#inGroup;
      this.#inGroup = undefined;
      await inGroup?.close();
    } else {
      this.#inGroup ??= await requests.serve(SUBJECTS.query(slot), handler);
    }
  }
}

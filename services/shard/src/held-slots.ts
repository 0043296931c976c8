/**
 * The slots that a shard holds: a worker each, begun and given up as the shard is told.
 *
 *   (not held) -> held -> giving up -> (not held)
 *                   ^                      |
 *                   +--- wanted again -----+
 *
 * Invariants:
 * 1. A slot has at most one worker, and none while its rows are being removed.
 * 2. A slot is reported until nothing of it is left: no row, no index, no claim on the log.
 */
import { pause, type Timers } from '@shoal/pacing';
import type { Sequence, Slot, SlotStatus } from '@shoal/protocol';
import type { Logger } from 'pino';
import { SHARD_LIMITS } from './limits.ts';
import { SlotGivenUp, type SlotWorker } from './slot-worker.ts';

export interface HeldSlotsOptions {
  readonly newWorker: (slot: Slot) => SlotWorker;
  /** Removes the rows of a slot and its claim on the log. May be repeated. */
  readonly giveUp: (slot: Slot) => Promise<void>;
  /** Called when a worker has ended for good. */
  readonly onEnd: (worker: SlotWorker) => void;
  readonly onChange: () => void;
  readonly timers: Timers;
  readonly logger: Logger;
}

interface Held {
  readonly worker: SlotWorker;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

export class HeldSlots {
  readonly #options: HeldSlotsOptions;
  readonly #held = new Map<Slot, Held>();
  readonly #givingUp = new Map<Slot, Promise<void>>();
  readonly #stop = new AbortController();
  #wanted: ReadonlySet<Slot> = new Set();

  constructor(options: HeldSlotsOptions) {
    this.#options = options;
  }

  /** From now on these slots are held, and no others. */
  hold(wanted: ReadonlySet<Slot>): void {
    this.#wanted = wanted;
    for (const slot of wanted) this.#begin(slot);
    for (const slot of this.#held.keys()) if (!wanted.has(slot)) this.release(slot);
  }

  /** Gives up whatever there is of a slot, held or left over from an earlier run. */
  release(slot: Slot): void {
    if (this.#givingUp.has(slot) || this.#wanted.has(slot)) return;
    this.#givingUp.set(slot, this.#release(slot, this.#held.get(slot)));
  }

  workers(): readonly SlotWorker[] {
    return [...this.#held.values()].map(({ worker }) => worker);
  }

  /** In ascending order of the slots; one that is being given up is reported as not ready. */
  statuses(): readonly SlotStatus[] {
    const kept = [...this.#held].filter(([slot]) => !this.#givingUp.has(slot)).map(([, { worker }]) => worker.status());
    const left = [...this.#givingUp.keys()].map((slot) => ({ slot, ready: false, appliedSequence: 0 as Sequence, setAsideCount: 0, embeddingCount: 0, vectorCount: 0 }));
    return [...kept, ...left].sort((a, b) => a.slot - b.slot);
  }

  /** Stops all workers; what is being given up goes on when the shard starts again. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#held.values()].map(({ done }) => done));
    await Promise.all(this.#givingUp.values());
  }

  #begin(slot: Slot): void {
    if (this.#stop.signal.aborted || this.#held.has(slot) || this.#givingUp.has(slot)) return;
    const stop = new AbortController();
    const worker = this.#options.newWorker(slot);
    this.#held.set(slot, { worker, stop, done: worker.run(AbortSignal.any([this.#stop.signal, stop.signal])) });
  }

  async #release(slot: Slot, held: Held | undefined): Promise<void> {
    const { logger, onEnd, onChange } = this.#options;
    held?.stop.abort(new SlotGivenUp('the slot goes to other shards'));
    await held?.done;
    if (held !== undefined) onEnd(held.worker);
    this.#held.delete(slot);
    if (await this.#giveUp(slot)) logger.info({ slot }, 'slot given up');
    this.#givingUp.delete(slot);
    onChange();
    if (this.#wanted.has(slot)) this.#begin(slot);
  }

  /** False when the shard closed before it was done. */
  async #giveUp(slot: Slot): Promise<boolean> {
    const { giveUp, timers, logger } = this.#options;
    for (let pauseMs: number = SHARD_LIMITS.recoverPauseMs; !this.#stop.signal.aborted; pauseMs = Math.min(pauseMs * 2, SHARD_LIMITS.recoverPauseMaxMs)) {
      try {
        await giveUp(slot);
        return true;
      } catch (error) {
        logger.warn({ err: error, slot, pauseMs }, 'the slot could not be given up; it is tried again');
        await pause(timers, pauseMs, this.#stop.signal);
      }
    }
    return false;
  }
}

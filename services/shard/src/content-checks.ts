import { pause, type Timers } from '@shoal/pacing';
import type { ShardStore } from '@shoal/store';
import { SHARD_LIMITS } from './limits.ts';
import type { SlotWorker } from './slot-worker.ts';

export interface ContentChecksOptions {
  readonly workers: () => readonly SlotWorker[];
  readonly store: ShardStore;
  readonly timers: Timers;
}

/**
 * Reads all rows of the slots again, one slot after the other and a slice at a time, so that what LevelDB lost or gives back altered is
 * found though nobody asks for it. Slots of which somebody wants to know at once go first and without the long pauses.
 */
export class ContentChecks {
  readonly #options: ContentChecksOptions;
  readonly #urgent = new Set<SlotWorker>();

  constructor(options: ContentChecksOptions) {
    this.#options = options;
  }

  /** Has a slot read as soon as possible. */
  hasten(worker: SlotWorker): void {
    this.#urgent.add(worker);
  }

  /** Resolves when the signal aborted. Never rejects: what a reading finds is told to the worker of the slot. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#idle(SHARD_LIMITS.scanFirstMs, signal);
    while (!signal.aborted) {
      for (const worker of this.#options.workers()) {
        await this.#checkUrgent(signal);
        if (signal.aborted) return;
        await this.#check(worker, signal);
      }
      await this.#idle(SHARD_LIMITS.scanRoundMs, signal);
    }
  }

  /** Waits, and looks now and then for what is urgent. */
  async #idle(durationMs: number, signal: AbortSignal): Promise<void> {
    for (let leftMs = durationMs; leftMs > 0 && !signal.aborted; leftMs -= SHARD_LIMITS.scanLookMs) {
      await pause(this.#options.timers, Math.min(leftMs, SHARD_LIMITS.scanLookMs), signal);
      await this.#checkUrgent(signal);
    }
  }

  async #checkUrgent(signal: AbortSignal): Promise<void> {
    for (const worker of this.#urgent) {
      if (signal.aborted) return;
      await this.#check(worker, signal);
    }
  }

  async #check(worker: SlotWorker, signal: AbortSignal): Promise<void> {
    const life = worker.life;
    if (life === undefined) {
      this.#urgent.delete(worker);
      return;
    }
    try {
      const scanned = await this.#options.store.scanSlot(worker.slot, async () => {
        signal.throwIfAborted();
        // The slot was given up meanwhile, and its rows go away.
        if (worker.life !== life) throw new EndedLife();
        await pause(this.#options.timers, this.#urgent.has(worker) ? SHARD_LIMITS.urgentScanPauseMs : SHARD_LIMITS.scanPauseMs, signal);
      });
      this.#urgent.delete(worker);
      if (scanned !== undefined) worker.verified(life, scanned.appliedSequence);
    } catch (error) {
      this.#urgent.delete(worker);
      if (signal.aborted || error instanceof EndedLife) return;
      worker.failVerification(life, error);
    }
  }
}

class EndedLife extends Error {}

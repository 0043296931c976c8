import type { EngineStats, IdFilter } from '@shoal/index';
import { pause, type Timers } from '@shoal/pacing';
import { RUN_OPERATIONS, SLOT_LIMITS, type ActivePartition, type EngineSearch } from '@shoal/shard-core';
import type { RecallMeter } from '@shoal/telemetry';
import { SHARD_LIMITS } from './limits.ts';

export interface LiveRecallOptions {
  readonly meter: RecallMeter;
  /** Share of the searches that are run again, from 0 to 1. */
  readonly share: number;
  readonly timers: Timers;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly elapsedMs: () => number;
  readonly engineStats: () => EngineStats;
}

interface Sample {
  readonly partition: ActivePartition;
  readonly vector: Float32Array;
  readonly k: number;
  readonly filter: IdFilter | undefined;
  readonly stamp: number;
  readonly operationCount: number;
  readonly ids: readonly number[];
  readonly waitUntilMs: number;
}

const BITS_PER_WORD = 32;

/**
 * Runs a share of the real searches again, by a scan of everything at the very stamp that the search saw, and counts how many of the true
 * nearest neighbours it had found.
 *
 * Invariants:
 * 1. It runs only while no other search is in the engine, one scan at a time, and rests SHARD_LIMITS.recallRest times as long as a scan took.
 * 2. At most SHARD_LIMITS.recallSamples wait, each for SHARD_LIMITS.recallWaitMs; what does not get its turn is left out, as are samples
 *    after which so much was written that the vectors of their stamp may be gone.
 * 3. A search that scanned everything found everything: it counts without being run again.
 * 4. Where the index keeps codes alone, a sample of which a vector is no more on disk is left out.
 */
export class LiveRecall {
  readonly #options: LiveRecallOptions;
  readonly #waiting: Sample[] = [];
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: LiveRecallOptions) {
    this.#options = options;
  }

  /** Whether the next search is one of the share. */
  wanted(): boolean {
    const { share, random } = this.#options;
    return share > 0 && this.#waiting.length < SHARD_LIMITS.recallSamples && random() < share;
  }

  take({ partition, item, filter, found, operationCount }: EngineSearch): void {
    if (this.#stop.signal.aborted || item.vector.length !== partition.spec.dim) return;
    if (found.path === 'flat') {
      if (found.ids.length > 0) this.#options.meter.record(partition.ref.code, found.ids.length, found.ids.length);
      return;
    }
    const waitUntilMs = this.#options.elapsedMs() + SHARD_LIMITS.recallWaitMs;
    // The query is a view of a message that is released after its answer.
    this.#waiting.push({ partition, vector: item.vector.slice(), k: item.k, filter, stamp: found.stamp, operationCount, ids: [...found.ids], waitUntilMs });
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#waiting.length = 0;
    await this.#running;
  }

  async #work(): Promise<void> {
    const { timers, elapsedMs, engineStats } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const sample = this.#waiting[0];
      if (sample === undefined) return;
      if (elapsedMs() > sample.waitUntilMs || isGone(sample)) {
        this.#waiting.shift();
        continue;
      }
      if (engineStats().searchesInFlight > 0) {
        await pause(timers, SHARD_LIMITS.recallLookMs, signal);
        continue;
      }
      this.#waiting.shift();
      const startedMs = elapsedMs();
      // Whatever fails here fails for reasons that searches tell their callers: the partition was dropped, or the engine closes.
      await this.#runAgain(sample).catch(() => undefined);
      await pause(timers, Math.max(SHARD_LIMITS.recallLookMs, (elapsedMs() - startedMs) * SHARD_LIMITS.recallRest), signal);
    }
  }

  async #runAgain(sample: Sample): Promise<void> {
    const { partition, vector, k, stamp, ids } = sample;
    const allowed = sample.filter?.allowed ?? everyId(partition.ids.nextId);
    const truth = await partition.index.search({ vector, k, ef: k, path: 'flat', filter: { allowed, stamp, strategy: 'scan' } });
    if (isGone(sample) || truth.goneCount > 0 || truth.ids.length === 0) return;
    const wanted = new Set(truth.ids);
    this.#options.meter.record(partition.ref.code, truth.ids.length, ids.filter((id) => wanted.has(id)).length);
  }
}

/** Whether vectors that the search saw may have made room for others since. */
function isGone({ partition, operationCount }: Sample): boolean {
  return partition.operationCount - operationCount >= SLOT_LIMITS.idGraceOperations - RUN_OPERATIONS;
}

function everyId(count: number): Uint32Array {
  return new Uint32Array(Math.ceil(count / BITS_PER_WORD)).fill(0xffff_ffff);
}

import { join } from 'node:path';
import type { Bus, Serving } from '@shoal/bus';
import { Engine, type VectorEngine } from '@shoal/index';
import { SUBJECTS, decodeShardStatus, encodeShardStatus, type ShardStatus } from '@shoal/protocol';
import { FairGate, type Timers } from '@shoal/pacing';
import type { CheckpointFiles } from '@shoal/shard-core';
import { ShardStore } from '@shoal/store';
import type { ProcessTelemetry } from '@shoal/telemetry';
import type { Logger } from 'pino';
import { openCheckpointDirectory } from './checkpoint-directory.ts';
import type { ShardConfig } from './config.ts';
import { SHARD_LIMITS } from './limits.ts';
import { pause } from '@shoal/pacing';
import { OneAtATime } from './one-at-a-time.ts';
import { PeerProgress } from './peer-progress.ts';
import { shardFamilies, type MeasuredSlot } from './shard-families.ts';
import { SlotMeter } from './slot-meter.ts';
import { SlotCheckpoints } from './slot-checkpoints.ts';
import { SlotSnapshots } from './slot-snapshots.ts';
import { SlotWorker } from './slot-worker.ts';

export interface ShardDependencies {
  readonly bus: Bus;
  readonly logger: Logger;
  readonly timers: Timers;
  readonly nowMs: () => number;
  readonly version: string;
  /** What this process measures; without it nothing is measured. Belongs to whoever made it. */
  readonly telemetry?: ProcessTelemetry;
  /** Milliseconds that only grow, with fractions, to measure durations; `nowMs` when absent. */
  readonly elapsedMs?: () => number;
}

/** What a shard runs on, opened by its caller. */
export interface ShardParts extends ShardDependencies {
  readonly store: ShardStore;
  readonly engine: VectorEngine;
  /** Where indexes are kept in files; without it every start builds them. */
  readonly checkpoints?: CheckpointFiles;
  /** Resolved, with the reason, when the engine or the store is of no use any more. */
  readonly failure: PromiseWithResolvers<Error>;
}

export interface Shard {
  status(): ShardStatus;
  /** Resolves when every owned slot serves; rejects when the signal aborts first. */
  ready(signal: AbortSignal): Promise<void>;
  /** Resolves, with the reason, when the engine failed: no slot can serve any more, and the process should end to be started again. */
  readonly failed: Promise<Error>;
  /** Stops slots, engine and store, in this order. The bus belongs to the caller. */
  close(): Promise<void>;
}

/** Starts a shard: one store, one engine, one worker per owned slot. Throws registry errors for a directory that cannot be used. */
export async function startShard(config: ShardConfig, dependencies: ShardDependencies): Promise<Shard> {
  const store = await ShardStore.open({ directory: join(config.directory, 'store'), slots: config.slots });
  const failed = Promise.withResolvers<Error>();
  let engine: Engine;
  let checkpoints: CheckpointFiles;
  try {
    checkpoints = await openCheckpointDirectory(join(config.directory, 'indexes'), store);
    engine = await Engine.start({ memoryMaxBytes: config.engineMemoryMaxBytes, searchThreadCount: config.searchThreadCount, onFailure: failed.resolve });
  } catch (error) {
    await store.close();
    throw error;
  }
  return runShard(config, { ...dependencies, store, engine, checkpoints, failure: failed });
}

/** Starts a shard over a store and an engine that are open; it closes both when it closes. */
export function runShard(config: ShardConfig, dependencies: ShardParts): Shard {
  return new RunningShard(config, dependencies);
}

class RunningShard implements Shard {
  readonly failed: Promise<Error>;
  readonly #config: ShardConfig;
  readonly #dependencies: ShardDependencies;
  readonly #store: ShardStore;
  readonly #engine: VectorEngine;
  readonly #stop = new AbortController();
  readonly #peers: PeerProgress;
  readonly #workers: SlotWorker[];
  readonly #loops: Promise<void>;
  readonly #startedAtMs: number;
  #announceCount = 0;

  constructor(config: ShardConfig, dependencies: ShardParts) {
    const { store, engine, checkpoints, failure: failed } = dependencies;
    this.failed = failed.promise;
    this.#config = config;
    this.#dependencies = dependencies;
    this.#store = store;
    this.#engine = engine;
    this.#startedAtMs = dependencies.nowMs();
    const { bus, logger, timers } = dependencies;
    const peers = new PeerProgress(config.shard, dependencies.nowMs);
    this.#peers = peers;
    const onChange = (): void => this.#announce();
    const places = config.searchThreadCount * SHARD_LIMITS.searchesPerThread;
    const searchGate = new FairGate({
      places, placesPerTenant: places, waiting: SHARD_LIMITS.waitingSearches, waitMs: SHARD_LIMITS.searchWaitMs, quantum: 1, costMaximum: SHARD_LIMITS.turnsMaximum,
      subject: 'searches of this shard', timers,
    });
    const [turns, checkpointTurns] = [new OneAtATime(), new OneAtATime()];
    const logBytes = config.snapshotLogBytes ?? SHARD_LIMITS.snapshotLogBytes;
    const meter = dependencies.telemetry?.meter('shard');
    const measured: MeasuredSlot[] = [];
    this.#workers = config.ownedSlots.map((slot) => {
      const snapshots = new SlotSnapshots({ slot, shard: config.shard, bus, store, timers, logger, logBytes, turns });
      const slotMeter = meter === undefined ? undefined : new SlotMeter({ meter, nowMs: dependencies.nowMs, elapsedMs: dependencies.elapsedMs ?? dependencies.nowMs });
      const worker = new SlotWorker({
        slot, slots: config.slots, shard: config.shard, peers, store, engine, timers, searchGate, bus, logger, snapshots, onChange, onStoreFailure: failed.resolve,
        ...(checkpoints === undefined ? {} : { checkpoints, slotCheckpoints: new SlotCheckpoints({ slot, timers, logger, turns: checkpointTurns }) }),
        ...(slotMeter === undefined ? {} : { meter: slotMeter }),
      });
      if (slotMeter !== undefined) measured.push({ worker, meter: slotMeter, snapshots });
      return worker;
    });
    meter?.addSource(() => shardFamilies({ slots: measured, engine: engine.stats(), searchGate }));
    this.#loops = Promise.all([...this.#workers.map((worker) => worker.run(this.#stop.signal)), this.#announceRegularly()]).then(() => undefined);
  }

  status(): ShardStatus {
    this.#announceCount += 1;
    const engine = this.#engine.stats();
    return {
      shard: this.#config.shard,
      version: this.#dependencies.version,
      count: this.#announceCount,
      startedAtMs: this.#startedAtMs,
      slots: this.#workers.map((worker) => worker.status()),
      engineMemoryBytes: engine.memoryBytes,
      engineMemoryMaxBytes: engine.memoryMaxBytes,
    };
  }

  async ready(signal: AbortSignal): Promise<void> {
    while (this.#workers.some((worker) => !worker.status().ready)) {
      signal.throwIfAborted();
      await pause(this.#dependencies.timers, 20, signal);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loops;
    await this.#engine.close();
    await this.#store.close();
  }

  async #announceRegularly(): Promise<void> {
    const listening = await this.#listenToPeers();
    while (!this.#stop.signal.aborted) {
      for (const worker of this.#workers) worker.keepPace();
      this.#announce();
      await pause(this.#dependencies.timers, SHARD_LIMITS.statusIntervalMs, this.#stop.signal);
    }
    await listening?.close();
  }

  /** Without hearing of the others, no slot here ever lags. */
  async #listenToPeers(): Promise<Serving | undefined> {
    const { bus, logger } = this.#dependencies;
    try {
      return await bus.requests.listen(SUBJECTS.shardStatus, (payload) => this.#hear(payload));
    } catch (error) {
      logger.warn({ err: error }, 'the announcements of other shards cannot be heard');
      return undefined;
    }
  }

  #hear(payload: Uint8Array): void {
    try {
      this.#peers.hear(decodeShardStatus(payload));
    } catch (error) {
      this.#dependencies.logger.warn({ err: error }, 'an announcement of a shard cannot be read; it is left out');
    }
  }

  #announce(): void {
    try {
      this.#dependencies.bus.requests.announce(SUBJECTS.shardStatus, encodeShardStatus(this.status()));
    } catch (error) {
      this.#dependencies.logger.warn({ err: error }, 'the status could not be announced');
    }
  }
}

import { join } from 'node:path';
import type { Bus, Serving } from '@shoal/bus';
import { Engine, type ThreadTime, type VectorEngine } from '@shoal/index';
import { pause, type Timers } from '@shoal/pacing';
import { slotsWithProgress } from '@shoal/placement';
import { SUBJECTS, decodeShardStatus, decodeVerifyOrder, encodeShardStatus, type PlacementMap, type ShardStatus, type Slot } from '@shoal/protocol';
import type { CheckpointFiles } from '@shoal/shard-core';
import type { ShardStore } from '@shoal/store';
import { openStore, storeDirectoryOf } from './open-store.ts';
import type { ProcessTelemetry, Tracing } from '@shoal/telemetry';
import type { Logger } from 'pino';
import { openCheckpointDirectory } from './checkpoint-directory.ts';
import type { ShardConfig } from './config.ts';
import type { HeldSlots } from './held-slots.ts';
import { SHARD_LIMITS } from './limits.ts';
import { ContentChecks } from './content-checks.ts';
import { LiveRecall } from './live-recall.ts';
import { PeerContents } from './peer-contents.ts';
import { PeerProgress } from './peer-progress.ts';
import { shardSlots } from './shard-slots.ts';

export interface ShardDependencies {
  readonly bus: Bus;
  readonly logger: Logger;
  readonly timers: Timers;
  readonly nowMs: () => number;
  readonly version: string;
  /** What this process measures; without it nothing is measured. Belongs to whoever made it. */
  readonly telemetry?: ProcessTelemetry;
  /** Traces what it is asked; nothing is traced without it. Belongs to whoever made it. */
  readonly tracing?: Tracing;
  /** Milliseconds that only grow, with fractions, to measure durations; `nowMs` when absent. */
  readonly elapsedMs?: () => number;
  /** Given, this thread does short searches by itself while it has time to spare. */
  readonly threadTime?: ThreadTime | undefined;
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
  /** Resolves when every slot that the shard holds serves; rejects when the signal aborts first. */
  ready(signal: AbortSignal): Promise<void>;
  /** Holds from now on what the map says, and gives up the rest. */
  follow(map: PlacementMap): void;
  /** Resolves, with the reason, when the engine failed: no slot can serve any more, and the process should end to be started again. */
  readonly failed: Promise<Error>;
  /** Stops slots, engine and store, in this order. The bus belongs to the caller. */
  close(): Promise<void>;
}

/** Starts a shard: one store, one engine, one worker per slot that it holds. Throws registry errors for a directory that cannot be used. */
export async function startShard(config: ShardConfig, dependencies: ShardDependencies): Promise<Shard> {
  const store = await openStore({ directory: storeDirectoryOf(config.directory), slots: config.slots }, dependencies.logger);
  const failed = Promise.withResolvers<Error>();
  let engine: Engine;
  let checkpoints: CheckpointFiles;
  try {
    checkpoints = await openCheckpointDirectory(join(config.directory, 'indexes'), store);
    engine = await Engine.start({ memoryMaxBytes: config.engineMemoryMaxBytes, searchThreadCount: config.searchThreadCount, threadTime: dependencies.threadTime, onFailure: failed.resolve });
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
  readonly #contents: PeerContents;
  readonly #checks: ContentChecks;
  readonly #liveRecall: LiveRecall | undefined;
  readonly #slots: HeldSlots;
  readonly #loop: Promise<void>;
  readonly #startedAtMs: number;
  #announceCount = 0;
  /** Of the map that the shard follows; 0 before it heard of one, undefined where its slots are given by its settings. */
  #mapEpoch: number | undefined;
  #cleaning: Promise<void> = Promise.resolve();

  constructor(config: ShardConfig, dependencies: ShardParts) {
    const { store, engine, failure: failed } = dependencies;
    this.failed = failed.promise;
    this.#config = config;
    this.#dependencies = dependencies;
    this.#store = store;
    this.#engine = engine;
    this.#startedAtMs = dependencies.nowMs();
    this.#peers = new PeerProgress(config.shard, dependencies.nowMs);
    const meter = dependencies.telemetry?.meter('shard');
    const { timers, nowMs, elapsedMs = nowMs } = dependencies;
    const liveRecall = meter === undefined ? undefined : new LiveRecall({ meter: meter.recallMeter, share: config.recallShare ?? 0, timers, random: Math.random, elapsedMs, engineStats: () => engine.stats() });
    this.#liveRecall = liveRecall;
    this.#slots = shardSlots({ config, parts: dependencies, peers: this.#peers, ...(liveRecall === undefined ? {} : { liveRecall }), onChange: () => this.#announce() });
    this.#mapEpoch = config.ownedSlots === undefined ? 0 : undefined;
    if (config.ownedSlots !== undefined) this.#slots.hold(new Set(config.ownedSlots));
    this.#contents = new PeerContents(config.shard, nowMs);
    this.#checks = new ContentChecks({ workers: () => this.#slots.workers(), store, timers });
    this.#loop = Promise.all([this.#announceRegularly(), this.#checks.run(this.#stop.signal)]).then(() => undefined);
  }

  status(): ShardStatus {
    this.#announceCount += 1;
    const engine = this.#engine.stats();
    return {
      shard: this.#config.shard,
      version: this.#dependencies.version,
      count: this.#announceCount,
      startedAtMs: this.#startedAtMs,
      slots: this.#slots.statuses(),
      engineMemoryBytes: engine.memoryBytes,
      engineMemoryMaxBytes: engine.memoryMaxBytes,
      ...(this.#mapEpoch === undefined ? {} : { mapEpoch: this.#mapEpoch }),
    };
  }

  async ready(signal: AbortSignal): Promise<void> {
    while (this.#slots.statuses().some(({ ready }) => !ready)) {
      signal.throwIfAborted();
      await pause(this.#dependencies.timers, 20, signal);
    }
  }

  follow(map: PlacementMap): void {
    const { shard } = this.#config;
    const held = map.slots.flatMap((replicas, slot) => (replicas.some((replica) => replica.shard === shard && replica.state !== 'leaving') ? [slot as Slot] : []));
    const isFirst = this.#mapEpoch === 0;
    this.#mapEpoch = map.epoch;
    this.#slots.hold(new Set(held));
    if (isFirst) this.#cleaning = this.#giveUpLeftovers(map);
    this.#announce();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#liveRecall?.close();
    await this.#slots.close();
    await Promise.all([this.#loop, this.#cleaning]);
    await this.#engine.close();
    await this.#store.close();
  }

  /** What an earlier run held and the map gives to others, or was in the middle of giving up. */
  async #giveUpLeftovers(map: PlacementMap): Promise<void> {
    const { bus, logger, timers } = this.#dependencies;
    while (!this.#stop.signal.aborted) {
      try {
        const claimed = await slotsWithProgress(bus.registry, this.#config.shard);
        for (const index of map.slots.keys()) {
          const slot = index as Slot;
          if (claimed.has(slot) || (await this.#store.slot(slot)) !== undefined) this.#slots.release(slot);
        }
        return;
      } catch (error) {
        logger.warn({ err: error }, 'slots of an earlier run were not looked for; it is tried again');
        await pause(timers, SHARD_LIMITS.recoverPauseMaxMs, this.#stop.signal);
      }
    }
  }

  async #announceRegularly(): Promise<void> {
    const listening = await this.#listenToOthers();
    while (!this.#stop.signal.aborted) {
      for (const worker of this.#slots.workers()) worker.keepPace();
      await this.#compareContents();
      this.#announce();
      await pause(this.#dependencies.timers, SHARD_LIMITS.statusIntervalMs, this.#stop.signal);
    }
    await listening?.close();
  }

  async #compareContents(): Promise<void> {
    const others = this.#contents.bySlot();
    if (others.size === 0) return;
    for (const worker of this.#slots.workers()) {
      try {
        if (await worker.compare(others.get(worker.slot) ?? [])) this.#checks.hasten(worker);
      } catch (error) {
        this.#dependencies.logger.warn({ err: error, slot: worker.slot }, 'the slot could not be compared with other replicas');
      }
    }
  }

  /** Without hearing of the others, no slot here ever lags, and nobody can have its rows read at once. */
  async #listenToOthers(): Promise<Serving | undefined> {
    const { bus, logger } = this.#dependencies;
    try {
      const [shards, orders] = [await bus.requests.listen(SUBJECTS.shardStatus, (payload) => this.#hear(payload)), await bus.requests.listen(SUBJECTS.verify, (payload) => this.#verify(payload))];
      return { close: () => Promise.all([shards.close(), orders.close()]).then(() => undefined) };
    } catch (error) {
      logger.warn({ err: error }, 'the announcements of other shards cannot be heard');
      return undefined;
    }
  }

  #hear(payload: Uint8Array): void {
    try {
      const status = decodeShardStatus(payload);
      this.#peers.hear(status);
      this.#contents.hear(status);
    } catch (error) {
      this.#dependencies.logger.warn({ err: error }, 'an announcement of a shard cannot be read; it is left out');
    }
  }

  #verify(payload: Uint8Array): void {
    try {
      const { slots } = decodeVerifyOrder(payload);
      for (const worker of this.#slots.workers()) if (slots.length === 0 || slots.includes(worker.slot)) this.#checks.hasten(worker);
    } catch (error) {
      this.#dependencies.logger.warn({ err: error }, 'an order to verify cannot be read; it is left out');
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

import { FairGate } from '@shoal/pacing';
import { forgetReplica } from '@shoal/placement';
import type { Slot } from '@shoal/protocol';
import type { ShardStore } from '@shoal/store';
import type { ShardConfig } from './config.ts';
import { HeldSlots } from './held-slots.ts';
import { CatchingUp } from './catching-up.ts';
import { SHARD_LIMITS } from './limits.ts';
import type { LiveRecall } from './live-recall.ts';
import { OneAtATime } from './one-at-a-time.ts';
import { endWithStore } from './open-store.ts';
import type { PeerProgress } from './peer-progress.ts';
import { shardFamilies, type MeasuredSlot } from './shard-families.ts';
import type { ShardParts } from './shard.ts';
import { SlotCheckpoints } from './slot-checkpoints.ts';
import { SlotMeter } from './slot-meter.ts';
import { SlotSnapshots } from './slot-snapshots.ts';
import { SlotWorker } from './slot-worker.ts';

export interface ShardSlotsOptions {
  readonly config: ShardConfig;
  readonly parts: ShardParts;
  readonly peers: PeerProgress;
  /** Takes searches to run them again. */
  readonly liveRecall?: LiveRecall;
  /** Called when a slot becomes ready or stops being so, or was given up. */
  readonly onChange: () => void;
}

/** The slots of one shard, over its store, its engine, and the places and turns that they share. */
export function shardSlots({ config, parts, peers, liveRecall, onChange }: ShardSlotsOptions): HeldSlots {
  const { bus, logger, timers, store, engine, checkpoints, failure, telemetry, tracing, nowMs } = parts;
  const { shard, directory, slots: slotCount, snapshotLogBytes: logBytes = SHARD_LIMITS.snapshotLogBytes } = config;
  const places = config.searchThreadCount * SHARD_LIMITS.searchesPerThread;
  const searchGate = new FairGate({
    places, placesPerTenant: places, waiting: SHARD_LIMITS.waitingSearches, waitMs: SHARD_LIMITS.searchWaitMs, quantum: 1, costMaximum: SHARD_LIMITS.turnsMaximum,
    subject: 'searches of this shard', timers,
  });
  const [turns, checkpointTurns] = [new OneAtATime(), new OneAtATime()];
  const meter = telemetry?.meter('shard');
  const catchingUp = new CatchingUp(() => held.workers().some(({ isServing }) => isServing));
  const measured = new Map<SlotWorker, MeasuredSlot>();
  const newWorker = (slot: Slot): SlotWorker => {
    const snapshots = new SlotSnapshots({ slot, shard, bus, store, timers, logger, logBytes, turns });
    const slotMeter = meter === undefined ? undefined : new SlotMeter({ meter, nowMs, elapsedMs: parts.elapsedMs ?? nowMs, ...(liveRecall === undefined ? {} : { liveRecall }) });
    const worker = new SlotWorker({
      slot, slots: slotCount, shard, peers, store, engine, timers, searchGate, bus, logger, snapshots, nowMs, catchingUp, onChange,
      onStoreFailure: (error) => void endWithStore(directory, error, logger, failure.resolve),
      ...(checkpoints === undefined ? {} : { checkpoints, slotCheckpoints: new SlotCheckpoints({ slot, timers, logger, turns: checkpointTurns }) }),
      ...(slotMeter === undefined ? {} : { meter: slotMeter }),
      ...(tracing === undefined ? {} : { tracing }),
    });
    if (slotMeter !== undefined) measured.set(worker, { worker, meter: slotMeter, snapshots });
    return worker;
  };
  const giveUp = async (slot: Slot): Promise<void> => {
    const files = await filesOf(store, slot);
    await turns.run(() => store.removeSlot(slot));
    // What a crash leaves of them here is removed at the next start.
    for (const file of files) await checkpoints?.remove(file);
    await forgetReplica(bus.registry, slot, shard);
  };
  const held = new HeldSlots({ newWorker, giveUp, onEnd: (worker) => void measured.delete(worker), onChange, timers, logger });
  meter?.addSource(() => shardFamilies({ slots: [...measured.values()], engine: engine.stats(), searchGate }));
  return held;
}

async function filesOf(store: ShardStore, slot: Slot): Promise<readonly string[]> {
  const files: string[] = [];
  for (const { ref } of await store.partitions(slot)) {
    const checkpoint = await store.checkpoint(ref);
    if (checkpoint !== undefined) files.push(checkpoint.file);
  }
  return files;
}

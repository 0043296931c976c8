/** What a shard tells of itself besides its operations. */
import type { EngineStats } from '@shoal/index';
import type { FairGate } from '@shoal/pacing';
import type { EmbeddingCode } from '@shoal/protocol';
import type { ActivePartition } from '@shoal/shard-core';
import { TELEMETRY_LIMITS, gauge, type MetricFamily, type MetricPoint } from '@shoal/telemetry';
import type { SlotMeter } from './slot-meter.ts';
import type { SlotSnapshots } from './slot-snapshots.ts';
import type { SlotWorker } from './slot-worker.ts';

export interface MeasuredShard {
  readonly slots: readonly MeasuredSlot[];
  readonly engine: EngineStats;
  readonly searchGate: FairGate;
}

export interface MeasuredSlot {
  readonly worker: SlotWorker;
  readonly meter: SlotMeter;
  readonly snapshots: SlotSnapshots;
}

export function shardFamilies({ slots, engine, searchGate }: MeasuredShard): readonly MetricFamily[] {
  return [
    ...slotFamilies(slots),
    ...embeddingFamilies(slots.flatMap(({ worker }) => worker.partitions())),
    gauge('shoal.engine.memory.usage', 'By', 'Memory that the engine has grown to.', engine.memoryBytes),
    gauge('shoal.engine.memory.used', 'By', 'Of it, what indexes use.', engine.usedBytes),
    gauge('shoal.engine.memory.limit', 'By', 'What the memory of the engine may grow to.', engine.memoryMaxBytes),
    gauge('shoal.engine.searches.active', '{search}', 'Searches in the engine.', engine.searchesInFlight),
    gauge('shoal.shard.searches.waiting', '{search}', 'Searches that wait for the turn of their tenant.', searchGate.waiting),
  ];
}

function slotFamilies(slots: readonly MeasuredSlot[]): readonly MetricFamily[] {
  const statuses = new Map(slots.map(({ worker }) => [worker.slot, worker.status()]));
  const family = (name: string, unit: string, description: string, valueOf: (slot: MeasuredSlot) => number | undefined): MetricFamily => ({
    type: 'gauge', name, unit, description,
    points: slots.flatMap((slot): MetricPoint[] => {
      const value = valueOf(slot);
      return value === undefined ? [] : [{ attributes: { 'shoal.slot': String(slot.worker.slot) }, value }];
    }),
  });
  return [
    family('shoal.slot.ready', '{slot}', '1 while the slot answers.', ({ worker }) => (statuses.get(worker.slot)?.ready === true ? 1 : 0)),
    family('shoal.slot.applied.sequence', '{message}', 'The log of the slot is applied up to here.', ({ worker }) => statuses.get(worker.slot)?.appliedSequence),
    family('shoal.slot.lag.messages', '{message}', 'Messages of the slot that wait in the log.', ({ meter }) => meter.lag().messages),
    family('shoal.slot.lag', 's', 'Age of the newest message applied while others wait.', ({ meter }) => meter.lag().seconds),
    family('shoal.slot.set_aside.messages', '{message}', 'Messages that could not be applied.', ({ worker }) => statuses.get(worker.slot)?.setAsideCount),
    family('shoal.slot.log.since_snapshot', 'By', 'Growth of the log of the slot since its newest snapshot.', ({ snapshots }) => snapshots.state().appliedBytes),
    family('shoal.slot.snapshot.age', 's', 'Age of the newest snapshot of the slot, from when this process first saw it.', ({ meter, snapshots }) => meter.snapshotSeconds(snapshots.state().sequence)),
  ];
}

interface EmbeddingHoldings {
  vectors: number;
  deleted: number;
  memoryBytes: number;
}

/** By embedding, for those that hold the most memory here. */
function embeddingFamilies(partitions: readonly ActivePartition[]): readonly MetricFamily[] {
  const byCode = new Map<EmbeddingCode, EmbeddingHoldings>();
  for (const { ref, vectorCount, index, keys, payloads } of partitions) {
    const holdings = byCode.get(ref.code) ?? { vectors: 0, deleted: 0, memoryBytes: 0 };
    const stats = index.stats();
    holdings.vectors += vectorCount;
    holdings.deleted += stats.deletedCount;
    holdings.memoryBytes += stats.memoryBytes + keys.memoryBytes + payloads.memoryBytes;
    byCode.set(ref.code, holdings);
  }
  const largest = [...byCode].sort(([, a], [, b]) => b.memoryBytes - a.memoryBytes).slice(0, TELEMETRY_LIMITS.shownEmbeddings);
  const family = (name: string, unit: string, description: string, valueOf: (holdings: EmbeddingHoldings) => number): MetricFamily => ({
    type: 'gauge', name, unit, description,
    points: largest.map(([code, holdings]) => ({ attributes: { 'shoal.embedding.code': String(code) }, value: valueOf(holdings) })),
  });
  return [
    gauge('shoal.shard.embeddings', '{embedding}', 'Embeddings with a partition here.', byCode.size),
    family('shoal.embedding.vectors', '{vector}', 'Vectors of the embedding here.', ({ vectors }) => vectors),
    family('shoal.embedding.tombstones', '{vector}', 'Deleted vectors whose place is not free yet.', ({ deleted }) => deleted),
    family('shoal.embedding.memory', 'By', 'Memory of the embedding here.', ({ memoryBytes }) => memoryBytes),
  ];
}

import { availableParallelism } from 'node:os';
import { parseNatsEnvironment, type NatsSettings } from '@shoal/bus';
import { PLACEMENT_LIMITS } from '@shoal/placement';
import { DEFAULTS, LIMITS, LOG_LEVELS, choiceSetting, invalidSetting, parseShardId, parseSlot, requiredSetting, setting, wholeNumberSetting, type Environment, type LogLevel, type ShardId, type Slot } from '@shoal/protocol';
import { parseMetricsSettings, type MetricsSettings } from '@shoal/telemetry';
import { SHARD_LIMITS } from './limits.ts';

export interface ShardConfig {
  readonly shard: ShardId;
  /** The slots this shard owns, ascending; absent when the map of the cluster says which. */
  readonly ownedSlots?: readonly Slot[];
  /** Slot count of the cluster. */
  readonly slots: number;
  /** Directory of this shard's store. */
  readonly directory: string;
  readonly engineMemoryMaxBytes: number;
  readonly searchThreadCount: number;
  /** Growth of a slot's log between two snapshots; default SHARD_LIMITS.snapshotLogBytes. */
  readonly snapshotLogBytes?: number;
  /** Share of the searches that are run again exactly to measure recall; none when absent. */
  readonly recallShare?: number;
}

/** What a shard without slots of its own brings into the cluster. */
export interface PlacementSettings {
  /** The shard takes slots in proportion to this. */
  readonly capacity: number;
  /** Replicas of each slot, where this process makes the first map. */
  readonly replicas: number;
}

export interface ShardProcessConfig extends ShardConfig {
  readonly nats: NatsSettings;
  readonly streams: number;
  readonly placement: PlacementSettings;
  readonly logLevel: LogLevel;
  readonly metrics: MetricsSettings;
}

/** The most that one WebAssembly memory can hold: 65,536 pages of 64 KiB. */
export const ENGINE_MEMORY_CEILING_BYTES = 65_536 * 65_536;

/** One search in a hundred. */
const DEFAULT_RECALL_SHARE = 0.01;

/** Parses `0-21,30,40-43` into ascending slots. */
export function parseSlotRanges(text: string, slots: number): Slot[] {
  const owned = new Set<Slot>();
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(part);
    const first = Number(match?.[1]);
    const last = match?.[2] === undefined ? first : Number(match[2]);
    if (match === null || first > last || last >= slots) throw invalidSetting('SHOAL_SHARD_SLOTS', text, `slots from 0 to ${slots - 1} like "0-21,30"`);
    for (let slot = first; slot <= last; slot += 1) owned.add(parseSlot(slot));
  }
  return [...owned].sort((a, b) => a - b);
}

export function engineMemorySetting(environment: Environment): number {
  const ceilingMb = ENGINE_MEMORY_CEILING_BYTES / 2 ** 20;
  return wholeNumberSetting(environment, 'SHOAL_ENGINE_MEMORY_MB', { fallback: ceilingMb, minimum: 16, maximum: ceilingMb }) * 2 ** 20;
}

export function searchThreadSetting(environment: Environment): number {
  return wholeNumberSetting(environment, 'SHOAL_SEARCH_THREADS', { fallback: Math.max(1, availableParallelism() - 1), minimum: 1, maximum: 64 });
}

export function snapshotLogSetting(environment: Environment): number {
  return wholeNumberSetting(environment, 'SHOAL_SNAPSHOT_LOG_MB', { fallback: SHARD_LIMITS.snapshotLogBytes / 2 ** 20, minimum: 1, maximum: 65_536 }) * 2 ** 20;
}

/** SHOAL_RECALL_SHARE, from 0 to 1. */
export function recallShareSetting(environment: Environment): number {
  const text = setting(environment, 'SHOAL_RECALL_SHARE');
  if (text === undefined) return DEFAULT_RECALL_SHARE;
  const share = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || share > 1) throw invalidSetting('SHOAL_RECALL_SHARE', text, 'a number from 0 to 1');
  return share;
}

export function parseShardEnvironment(environment: Environment): ShardProcessConfig {
  const owned = setting(environment, 'SHOAL_SHARD_SLOTS');
  const engineMemoryMaxBytes = engineMemorySetting(environment);
  const slots = wholeNumberSetting(environment, 'SHOAL_SLOTS', { fallback: DEFAULTS.slots, minimum: 1, maximum: LIMITS.slots });
  return {
    nats: parseNatsEnvironment(environment, requiredSetting(environment, 'SHOAL_NATS_URL', 'nats://127.0.0.1:4222')),
    shard: parseShardId(requiredSetting(environment, 'SHOAL_SHARD_ID', 'shard-1'), 'SHOAL_SHARD_ID'),
    ...(owned === undefined ? {} : { ownedSlots: parseSlotRanges(owned, slots) }),
    placement: {
      capacity: wholeNumberSetting(environment, 'SHOAL_SHARD_CAPACITY', { fallback: engineMemoryMaxBytes / 2 ** 20, minimum: 1, maximum: PLACEMENT_LIMITS.capacity }),
      replicas: wholeNumberSetting(environment, 'SHOAL_REPLICAS', { fallback: PLACEMENT_LIMITS.defaultReplicas, minimum: 1, maximum: LIMITS.replicas }),
    },
    slots,
    streams: wholeNumberSetting(environment, 'SHOAL_STREAMS', { fallback: Math.min(DEFAULTS.streams, slots), minimum: 1, maximum: slots }),
    directory: requiredSetting(environment, 'SHOAL_DATA_DIR', '/var/lib/shoal'),
    engineMemoryMaxBytes,
    searchThreadCount: searchThreadSetting(environment),
    snapshotLogBytes: snapshotLogSetting(environment),
    recallShare: recallShareSetting(environment),
    logLevel: choiceSetting(environment, 'SHOAL_LOG_LEVEL', LOG_LEVELS, 'info'),
    metrics: parseMetricsSettings(environment),
  };
}

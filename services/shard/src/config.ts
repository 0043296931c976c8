import { availableParallelism } from 'node:os';
import { DEFAULTS, LIMITS, ShoalError, parseShardId, parseSlot, type ShardId, type Slot } from '@shoal/protocol';

export interface ShardConfig {
  readonly shard: ShardId;
  /** The slots this shard owns, ascending. */
  readonly ownedSlots: readonly Slot[];
  /** Slot count of the cluster. */
  readonly slots: number;
  /** Directory of this shard's store. */
  readonly directory: string;
  readonly engineMemoryMaxBytes: number;
  readonly searchThreadCount: number;
}

export interface ShardProcessConfig extends ShardConfig {
  readonly natsUrl: string;
  readonly streams: number;
  readonly logLevel: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The most that one WebAssembly memory can hold: 65,536 pages of 64 KiB. */
export const ENGINE_MEMORY_CEILING_BYTES = 65_536 * 65_536;

export function defaultSearchThreadCount(): number {
  return Math.max(1, availableParallelism() - 1);
}

function invalid(name: string, value: string, expected: string): ShoalError {
  return new ShoalError('invalid_configuration', `${name} is "${value}"; it must be ${expected}.`, { field: name });
}

function required(environment: Environment, name: string, example: string): string {
  const value = environment[name];
  if (value === undefined || value === '') throw new ShoalError('invalid_configuration', `${name} is not set; for example ${name}=${example}.`, { field: name });
  return value;
}

function wholeNumber(environment: Environment, name: string, fallback: number, minimum: number, maximum: number): number {
  const text = environment[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum || value > maximum) throw invalid(name, text, `a whole number from ${minimum} to ${maximum}`);
  return value;
}

/** Parses `0-21,30,40-43` into ascending slots. */
export function parseSlotRanges(text: string, slots: number): Slot[] {
  const owned = new Set<Slot>();
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(part);
    const first = Number(match?.[1]);
    const last = match?.[2] === undefined ? first : Number(match[2]);
    if (match === null || first > last || last >= slots) throw invalid('SHOAL_SHARD_SLOTS', text, `slots from 0 to ${slots - 1} like "0-21,30"`);
    for (let slot = first; slot <= last; slot += 1) owned.add(parseSlot(slot));
  }
  return [...owned].sort((a, b) => a - b);
}

export function parseShardEnvironment(environment: Environment): ShardProcessConfig {
  const slots = wholeNumber(environment, 'SHOAL_SLOTS', DEFAULTS.slots, 1, LIMITS.slots);
  return {
    natsUrl: required(environment, 'SHOAL_NATS_URL', 'nats://127.0.0.1:4222'),
    shard: parseShardId(required(environment, 'SHOAL_SHARD_ID', 'shard-1'), 'SHOAL_SHARD_ID'),
    ownedSlots: parseSlotRanges(required(environment, 'SHOAL_SHARD_SLOTS', '0-63'), slots),
    slots,
    streams: wholeNumber(environment, 'SHOAL_STREAMS', Math.min(4, slots), 1, slots),
    directory: required(environment, 'SHOAL_DATA_DIR', '/var/lib/shoal'),
    engineMemoryMaxBytes: wholeNumber(environment, 'SHOAL_ENGINE_MEMORY_MB', ENGINE_MEMORY_CEILING_BYTES / 2 ** 20, 16, ENGINE_MEMORY_CEILING_BYTES / 2 ** 20) * 2 ** 20,
    searchThreadCount: wholeNumber(environment, 'SHOAL_SEARCH_THREADS', defaultSearchThreadCount(), 1, 64),
    logLevel: environment['SHOAL_LOG_LEVEL'] ?? 'info',
  };
}

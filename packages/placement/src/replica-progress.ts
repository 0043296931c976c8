/**
 * How far each replica of a slot has its rows on disk, in the registry: `progress.<slot>.<shard>`, JSON {durable}. An entry outlives
 * its shard: until it is removed, the log keeps what that replica still needs.
 */
import type { Registry } from '@shoal/bus';
import { ShoalError, parseSequence, parseSlot, type Sequence, type ShardId, type Slot } from '@shoal/protocol';
import { PLACEMENT_LIMITS } from './limits.ts';

export interface ReplicaDurable {
  readonly shard: string;
  readonly durable: Sequence;
}

/** Entries are `progress.<slot>.<shard>`. */
export const PROGRESS_PREFIX = 'progress';
const prefixOf = (slot: Slot): string => `${PROGRESS_PREFIX}.${slot}`;
const keyOf = (slot: Slot, shard: ShardId): string => `${prefixOf(slot)}.${shard}`;

export class ReplicaProgress {
  readonly #registry: Registry;
  readonly #slot: Slot;
  readonly #shard: ShardId;

  constructor(registry: Registry, slot: Slot, shard: ShardId) {
    this.#registry = registry;
    this.#slot = slot;
    this.#shard = shard;
  }

  /** Holds the log from here on: whatever this replica will need is kept from the moment that this resolved. */
  async join(durable: Sequence): Promise<void> {
    await this.#write((present) => (present === undefined || present > durable ? durable : undefined));
  }

  /** Says that everything up to `durable` survives a power failure here. */
  async advance(durable: Sequence): Promise<void> {
    await this.#write((present) => (present === undefined || present < durable ? durable : undefined));
  }

  /** All replicas that have joined, in ascending order of their names. */
  async replicas(): Promise<readonly ReplicaDurable[]> {
    const entries = await this.#registry.list(prefixOf(this.#slot), PLACEMENT_LIMITS.replicas);
    return entries.map(({ key, value }) => ({ shard: key.slice(prefixOf(this.#slot).length + 1), durable: decode(value) }));
  }

  async #write(next: (present: Sequence | undefined) => Sequence | undefined): Promise<void> {
    const key = keyOf(this.#slot, this.#shard);
    for (let attempt = 0; attempt < PLACEMENT_LIMITS.registryAttempts; attempt += 1) {
      const entry = await this.#registry.get(key);
      const durable = next(entry === undefined ? undefined : decode(entry.value));
      if (durable === undefined) return;
      const value = new TextEncoder().encode(JSON.stringify({ durable }));
      if ((entry === undefined ? await this.#registry.create(key, value) : await this.#registry.update(key, value, entry.revision)) !== undefined) return;
    }
    throw new ShoalError('overloaded', `The progress of slot ${this.#slot} changes under this shard again and again. Does another shard have the same name?`);
  }
}

/** The slots whose log is held for this shard. */
export async function slotsWithProgress(registry: Registry, shard: ShardId): Promise<ReadonlySet<Slot>> {
  const entries = await registry.list(PROGRESS_PREFIX, PLACEMENT_LIMITS.progressEntries);
  return new Set(entries.flatMap(({ key }) => {
    const [, slot = '', ...name] = key.split('.');
    return name.join('.') === shard ? [parseSlot(Number(slot))] : [];
  }));
}

/** Lets the log go on without a replica that will not come back. */
export async function forgetReplica(registry: Registry, slot: Slot, shard: ShardId): Promise<void> {
  const entry = await registry.get(keyOf(slot, shard));
  if (entry !== undefined) await registry.delete(entry.key, entry.revision);
}

function decode(value: Uint8Array): Sequence {
  return parseSequence((JSON.parse(new TextDecoder().decode(value)) as { readonly durable: unknown }).durable, 'durable');
}

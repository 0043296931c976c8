/**
 * A slot rebuilt from a backup in a store of its own: the shard's own state machine applies the messages, so that what comes out is what a
 * shard had after them. Memory holds what a shard holds of one slot without its indexes: keys and declared fields.
 */
import { ShoalError, SlotBackupDecoder, type EmbeddingCode, type SlotBackupMessage } from '@shoal/protocol';
import { SlotMachine } from '@shoal/shard-core';
import { ShardStore, type PartitionRef } from '@shoal/store';
import { systemTimers } from '@shoal/pacing';
import { IdleEngine } from './idle-engine.ts';
import { BACKUP_LIMITS } from './limits.ts';

/** How far a slot is rebuilt; to the end of the backup where nothing is said. */
export interface RebuildLimit {
  readonly sequence?: number;
  /** Messages that the log took later are left out. */
  readonly timeMs?: number;
}

export interface RebuiltVector {
  readonly key: string;
  readonly values: Float32Array;
  readonly payload?: Record<string, unknown>;
}

export class RebuiltSlot {
  readonly #store: ShardStore;
  readonly #partitions: readonly PartitionRef[];

  private constructor(store: ShardStore, partitions: readonly PartitionRef[]) {
    this.#store = store;
    this.#partitions = partitions;
  }

  /** `directory` is empty, and to be removed by the caller after `close`. Throws `backup_corrupt`, or `invalid_field` for a limit before the backup's reach. */
  static async rebuild(content: AsyncIterable<Uint8Array>, directory: string, limit: RebuildLimit, signal: AbortSignal): Promise<RebuiltSlot> {
    const decoder = new SlotBackupDecoder(content);
    const { slot, slots, base } = await decoder.header();
    if (limit.sequence !== undefined && limit.sequence < base) throw tooEarly(slot, `sequence ${base}`);
    const store = await ShardStore.open({ directory, slots });
    try {
      if (base > 0) await store.importSlot(slot, decoder.base(), signal);
      else for await (const _piece of decoder.base()) throw new ShoalError('backup_corrupt', `Slot ${slot} of the backup has a base without a sequence.`);
      const machine = await SlotMachine.recover({ slot, slots, store, engine: new IdleEngine(), timers: systemTimers }, signal);
      try {
        await applyMessages(machine, within(decoder.messages(), { slot, base, limit }), signal);
        const active = [...machine.state.partitions.values()].filter(({ state }) => state === 'active');
        return new RebuiltSlot(store, active.map(({ ref }) => ref));
      } finally {
        await machine.close();
      }
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** The vectors that the slot has of an embedding, in no order that means anything. */
  async *vectorsOf(code: EmbeddingCode): AsyncGenerator<RebuiltVector> {
    for (const ref of this.#partitions) {
      if (ref.code !== code) continue;
      for await (const page of this.#store.scanKeys(ref)) {
        const rows = await this.#store.rows(ref, page.map(({ id }) => id), { payloads: true });
        for (const [index, { key }] of page.entries()) {
          const row = rows[index];
          if (row === undefined) throw new ShoalError('backup_corrupt', 'A key in the backup has no vector.');
          yield { key, values: row.values, ...(row.payload === undefined ? {} : { payload: JSON.parse(Buffer.from(row.payload).toString('utf8')) as Record<string, unknown> }) };
        }
      }
    }
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

const tooEarly = (slot: number, from: string): ShoalError =>
  new ShoalError('invalid_field', `Slot ${slot} of the backup reaches back to ${from}; use an older backup, or a later point in time.`, { field: 'until' });

interface Reach {
  readonly slot: number;
  readonly base: number;
  readonly limit: RebuildLimit;
}

/** The messages up to the limit; those behind it are read all the same, because only the end says that the slot is whole. */
async function* within(messages: AsyncIterable<SlotBackupMessage>, { slot, base, limit }: Reach): AsyncGenerator<SlotBackupMessage> {
  const { sequence: last = Number.POSITIVE_INFINITY, timeMs: latestMs = Number.POSITIVE_INFINITY } = limit;
  let passed = false;
  // Where the snapshot ends, and that the limit does not lie before, is known from a message that is in time.
  let known = base === 0 || limit.timeMs === undefined;
  for await (const message of messages) {
    passed ||= message.sequence > last || message.timeMs > latestMs;
    if (passed) continue;
    known = true;
    yield message;
  }
  if (!known) throw tooEarly(slot, 'its snapshot, which is later than that time or may be');
}

async function applyMessages(machine: SlotMachine, messages: AsyncIterable<SlotBackupMessage>, signal: AbortSignal): Promise<void> {
  let group: SlotBackupMessage[] = [];
  let bytes = 0;
  const apply = async (): Promise<void> => {
    signal.throwIfAborted();
    if (group.length > 0) await machine.apply(group);
    group = [];
    bytes = 0;
  };
  for await (const message of messages) {
    group.push(message);
    bytes += message.bytes.length;
    if (group.length >= BACKUP_LIMITS.applyMessages || bytes >= BACKUP_LIMITS.applyBytes) await apply();
  }
  await apply();
}

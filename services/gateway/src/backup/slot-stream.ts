import type { Bus, SnapshotDescription } from '@shoal/bus';
import { SlotBackupEncoder, ShoalError, type Sequence, type Slot } from '@shoal/protocol';
import { GATEWAY_LIMITS } from '../limits.ts';

/** A slot that is about to be streamed. */
export interface SlotStream {
  readonly base: Sequence;
  readonly to: Sequence;
  /** In the grammar of a slot's backup. Fails when the log is trimmed under it: the whole is then to be asked for again. */
  readonly content: AsyncIterable<Uint8Array>;
}

type Parts = Pick<Bus, 'log' | 'snapshots'>;

/**
 * A slot up to `wanted`, or up to its end: the oldest snapshot from which on the log is whole, and the log after it, so that any sequence
 * in between can be restored. While the log was never trimmed it needs no snapshot. Throws `receipt_unknown` for a sequence that the log has
 * not reached, and `snapshot_unavailable`.
 */
export async function openSlotStream(bus: Parts, slot: Slot, wanted: Sequence | undefined, signal: AbortSignal): Promise<SlotStream> {
  const last = await bus.log.lastSequence(slot);
  if (wanted !== undefined && wanted > last) {
    throw new ShoalError('receipt_unknown', `Slot ${slot} ends at ${last}; ${wanted} was asked for.`, { field: 'to', limit: last });
  }
  const kept = await bus.log.trimmedBefore(slot);
  const snapshot = await oldestBase(bus, slot, kept);
  const base = snapshot?.sequence ?? (0 as Sequence);
  const to = Math.max(base, wanted ?? last) as Sequence;
  // The last message of the snapshot says what time it is of.
  const from = (base > 0 && kept <= base ? base : base + 1) as Sequence;
  return { base, to, content: contentOf(bus, { slot, base, from, to, snapshot }, signal) };
}

/** Undefined when the log is whole from its first message on. */
async function oldestBase({ snapshots }: Parts, slot: Slot, kept: Sequence): Promise<SnapshotDescription | undefined> {
  if (kept <= 1) return undefined;
  const usable = (await snapshots.list(slot)).filter(({ sequence }) => sequence + 1 >= kept);
  const oldest = usable.at(-1);
  if (oldest === undefined) throw new ShoalError('snapshot_unavailable', `The log of slot ${slot} begins at ${kept}, and no snapshot reaches so far. Try again.`);
  return oldest;
}

interface Range {
  readonly slot: Slot;
  readonly base: Sequence;
  readonly from: Sequence;
  readonly to: Sequence;
  readonly snapshot: SnapshotDescription | undefined;
}

async function* contentOf({ log, snapshots }: Parts, { slot, base, from, to, snapshot }: Range, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const encoder = new SlotBackupEncoder();
  yield encoder.header({ slot, slots: log.slots, base, to });
  if (snapshot !== undefined) {
    for await (const piece of snapshots.read(snapshot, signal)) yield encoder.base(piece);
  }
  if (to >= from) yield* messagesOf(log, { slot, from, to }, encoder, signal);
  signal.throwIfAborted();
  yield encoder.end();
}

async function* messagesOf(log: Bus['log'], { slot, from, to }: { readonly slot: Slot; readonly from: Sequence; readonly to: Sequence }, encoder: SlotBackupEncoder, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { backupGroupMessages: maxMessages, backupGroupBytes: maxBytes } = GATEWAY_LIMITS;
  for await (const group of log.read({ slot, from, signal, maxMessages, maxBytes })) {
    const wanted = group.filter(({ sequence }) => sequence <= to);
    if (wanted.length > 0) yield Buffer.concat(wanted.map((message) => encoder.message(message)));
    if ((group.at(-1)?.sequence ?? 0) >= to) return;
  }
}

import type { MutationLog } from '@shoal/bus';
import { ShoalError, type Sequence, type Slot } from '@shoal/protocol';
import type { SlotMachine } from '@shoal/shard-core';

export interface SameLogOptions {
  readonly log: Pick<MutationLog, 'origin' | 'read' | 'trimmedBefore'>;
  readonly slot: Slot;
  readonly machine: Pick<SlotMachine, 'appliedSequence' | 'hasApplied' | 'rememberedFrom'>;
  readonly signal: AbortSignal;
}

/**
 * Another log may have grown longer than the one that was applied: going on with it would skip its beginning in silence. So the log must hold what the
 * replica applied last, and the oldest of what it remembers: a replica that followed a stream while it was made anew may have applied messages of both.
 * Rejects with `log_incompatible`.
 */
export async function requireSameLog(options: SameLogOptions): Promise<void> {
  const { log, slot, machine } = options;
  const { firstSequence } = await log.origin(slot);
  const kept = Math.max(firstSequence, await log.trimmedBefore(slot)) as Sequence;
  for (const sequence of new Set([machine.rememberedFrom(kept), machine.appliedSequence])) {
    if (sequence > 0) await requireMessage(sequence, options);
  }
}

async function requireMessage(sequence: Sequence, { log, slot, machine, signal }: SameLogOptions): Promise<void> {
  for await (const [message] of log.read({ slot, from: sequence, signal, maxMessages: 1, maxBytes: 1 })) {
    if (message !== undefined && message.sequence === sequence && machine.hasApplied(message)) return;
    // It may have been trimmed a moment ago.
    if (sequence < machine.appliedSequence && (await log.trimmedBefore(slot)) > sequence) return;
    throw new ShoalError(
      'log_incompatible',
      `Slot ${slot} has applied sequence ${sequence}, and the log holds another message there: it is not the log that was applied. The slot does not answer.`,
    );
  }
  // The reading ends without a message only when it is told to.
  signal.throwIfAborted();
}

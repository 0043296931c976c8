/** What every question about a partition begins with. */
import { withDeadline, type Timers } from '@shoal/pacing';
import { ShoalError, matchesFilter, payloadToJson, type EmbeddingCode, type Partition, type Sequence, type VectorKey } from '@shoal/protocol';
import type { VectorRows } from '@shoal/store';
import type { ActivePartition } from './partition-state.ts';
import { prepareFilter, type PreparedFilter } from './payload-index/prepared-filter.ts';
import type { SlotMachine } from './slot-machine.ts';

export interface PartitionQuestion {
  readonly code: EmbeddingCode;
  readonly partition: Partition;
  readonly after: Sequence;
  readonly timeoutMs: number;
}

export function droppedError(): ShoalError {
  return new ShoalError('embedding_dropped', 'The embedding was dropped. Register it again to start an empty one.');
}

/** The partition when the slot has applied what the question asks for; undefined when nobody has defined it. Throws `embedding_dropped`. */
export async function partitionAfter(machine: SlotMachine, question: PartitionQuestion): Promise<ActivePartition | undefined> {
  await machine.waitApplied(question.after, question.timeoutMs);
  return partitionNow(machine, question);
}

export function partitionNow(machine: SlotMachine, question: Pick<PartitionQuestion, 'code' | 'partition'>): ActivePartition | undefined {
  const partition = machine.state.partition(question);
  if (partition?.state === 'dropped') throw droppedError();
  return partition;
}

/** The filter of a question, ready to be evaluated in this turn; undefined where it has none. Throws `field_not_ready` and what parsing throws. */
export async function filterOf(machine: SlotMachine, partition: ActivePartition, { filter, timeoutMs }: { readonly filter?: Uint8Array; readonly timeoutMs: number }): Promise<PreparedFilter | undefined> {
  if (filter === undefined) return undefined;
  return prepareFilter(partition, machine.store, filter, (names) => filledWithin(partition, names, timeoutMs, machine.timers));
}

async function filledWithin({ filling }: ActivePartition, names: readonly string[], timeoutMs: number, timers: Timers): Promise<void> {
  if (filling.isFilled(names)) return;
  await withDeadline(filling.filled(names), timeoutMs, timers, () =>
    new ShoalError('field_not_ready', `The index of ${names.join(', ')} was not filled within ${timeoutMs} ms. Try again, or allow more time with timeoutMs.`));
}

/** Whether a vector as the store has it passes a filter. */
export function passes({ spec }: ActivePartition, { filter }: PreparedFilter, key: VectorKey, { payload }: Pick<VectorRows, 'payload'>): boolean {
  return matchesFilter(filter, spec.fields, { key, payload: payload === undefined ? undefined : payloadToJson(payload) });
}

/**
 * Cuts a group of messages into runs. A run of writes is applied in one step; messages about whole partitions, and messages
 * that cannot apply, stand alone, so that a run never has to look at its own effects on them.
 */
import type { Mutation, WriteMutation } from '@shoal/protocol';
import { RUN_OPERATIONS } from './limits.ts';
import type { ReadMessage, SlotMessage } from './read-message.ts';

/** What concerns a partition as a whole. */
export type PartitionMutation = Exclude<Mutation, WriteMutation>;

/** Writes that are applied in one step. */
export interface WriteRun {
  readonly type: 'writes';
  readonly writes: { message: SlotMessage; mutation: WriteMutation }[];
}

export type Run =
  | WriteRun
  | { readonly type: 'partition'; readonly message: SlotMessage; readonly mutation: PartitionMutation }
  | (ReadMessage & { readonly type: 'refused' });

export function cutIntoRuns(messages: readonly ReadMessage[]): Run[] {
  const runs: Run[] = [];
  let operationCount = 0;
  for (const read of messages) {
    if (read.type === 'refused') {
      runs.push(read);
      continue;
    }
    const { message, mutation } = read;
    if (mutation.type !== 'write') {
      runs.push({ type: 'partition', message, mutation });
      continue;
    }
    const last = runs.at(-1);
    if (last?.type === 'writes' && operationCount + mutation.operations.length <= RUN_OPERATIONS) {
      last.writes.push({ message, mutation });
      operationCount += mutation.operations.length;
    } else {
      runs.push({ type: 'writes', writes: [{ message, mutation }] });
      operationCount = mutation.operations.length;
    }
  }
  return runs;
}

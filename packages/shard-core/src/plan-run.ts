/** Plans a run of writes message by message: what each changes, and what the slot remembers of it. */
import assert from 'node:assert';
import { encodeOutcomes, type Outcome, type WriteMutation } from '@shoal/protocol';
import { addDigest, type RecentOperation } from '@shoal/store';
import type { WriteRun } from './message-runs.ts';
import type { ActivePartition } from './partition-state.ts';
import type { SlotMessage } from './read-message.ts';
import type { SlotLedger, SlotState } from './slot-state.ts';
import type { PartitionPlan } from './write-plan.ts';

/** `plans` has one of every partition that takes writes of the run. */
export function planRun(run: WriteRun, state: SlotState, plans: ReadonlyMap<ActivePartition, PartitionPlan>, ledger: SlotLedger): void {
  for (const { message, mutation } of run.writes) {
    const earlier = ledger.earlier(mutation);
    const partition = state.partition(mutation);
    const remember = (outcome: Outcome) => sameOutcome(message, mutation, outcome);
    if (earlier?.type === 'repeated') {
      ledger.applied(message, { ...earlier.operation, sequence: message.sequence });
    } else if (earlier?.type === 'reused') {
      ledger.applied(message, remember('key_reused'));
    } else if (partition === undefined) {
      ledger.setAside(message, 'embedding_not_found', `Embedding ${mutation.code} was never defined in this slot.`, remember('embedding_unknown'));
    } else if (partition.state === 'dropped') {
      ledger.applied(message, remember('embedding_dropped'));
    } else if (mutation.dim !== partition.spec.dim) {
      ledger.setAside(message, 'dimension_mismatch', `The message has dimension ${mutation.dim}, the embedding ${partition.spec.dim}.`, remember('dimension_mismatch'));
    } else {
      const plan = plans.get(partition);
      assert(plan !== undefined);
      const before = plan.digest;
      const operation = plan.add({ message, mutation, partition });
      ledger.change(addDigest(plan.digest, -before));
      ledger.carriedOut(message, mutation, operation);
    }
  }
}

/** What the slot remembers of a message whose operations all came to the same. */
export function sameOutcome(message: SlotMessage, mutation: WriteMutation, outcome: Outcome): RecentOperation {
  return { sequence: message.sequence, operationId: mutation.operationId, outcomes: encodeOutcomes(mutation.operations.map(() => outcome)) };
}

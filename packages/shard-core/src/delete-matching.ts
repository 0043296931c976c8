/**
 * Deletes the vectors that pass a filter at the place of the message in the log, in steps of bounded size. A crash between two steps
 * leaves those that were deleted, and their count, in the store; the message comes again and deletes the rest in the same order.
 */
import { ShoalError, encodeDeletedOutcome, parseFilterBytes, type DeleteMatchingMutation, type DeletedOutcome, type Filter, type Outcome, type VecId, type VectorKey } from '@shoal/protocol';
import { StoreBatch, addDigest, type RecentOperation } from '@shoal/store';
import { IdempotencyWindow } from './idempotency-window.ts';
import { RUN_OPERATIONS } from './limits.ts';
import { existingVectors } from './open-plans.ts';
import type { SlotSteps } from './partition-messages.ts';
import type { ActivePartition } from './partition-state.ts';
import { idsOf } from './payload-index/dense-bits.ts';
import { evaluateFilter, prepareFilter } from './payload-index/prepared-filter.ts';
import type { SlotMessage } from './read-message.ts';
import { SlotLedger } from './slot-state.ts';
import { PartitionPlan } from './write-plan.ts';

export async function applyDeleteMatching(steps: SlotSteps, message: SlotMessage, mutation: DeleteMatchingMutation): Promise<void> {
  const { state, store } = steps;
  const batch = new StoreBatch();
  const ledger = new SlotLedger(state, batch, await IdempotencyWindow.open(state, store, batch, [mutation]));
  const remember = (deleted: DeletedOutcome): RecentOperation => ({ sequence: message.sequence, operationId: mutation.operationId, outcomes: encodeDeletedOutcome(deleted) });
  const refuse = (refused: Outcome): RecentOperation => remember({ count: 0, refused });
  const partition = state.partition(mutation);
  const earlier = ledger.earlier(mutation);
  if (earlier?.type === 'repeated') {
    ledger.applied(message, { ...earlier.operation, sequence: message.sequence });
    return steps.carryOut(undefined, batch, ledger);
  }
  if (earlier?.type === 'reused') {
    ledger.applied(message, refuse('key_reused'));
    return steps.carryOut(undefined, batch, ledger);
  }
  if (partition === undefined) {
    ledger.setAside(message, 'embedding_not_found', `Embedding ${mutation.code} was never defined in this slot.`, refuse('embedding_unknown'));
    return steps.carryOut(undefined, batch, ledger);
  }
  if (partition.state === 'dropped') {
    ledger.applied(message, refuse('embedding_dropped'));
    return steps.carryOut(undefined, batch, ledger);
  }
  const filter = readableFilter(partition, mutation);
  if (filter instanceof ShoalError) {
    ledger.setAside(message, filter.code, filter.message, remember({ count: 0 }));
    return steps.carryOut(undefined, batch, ledger);
  }
  const { plan, deletedCount } = await deleteInSteps(steps, partition, message, mutation, batch);
  ledger.change(addDigest(plan.digest, -partition.digest));
  ledger.carriedOut(message, mutation, remember({ count: deletedCount }));
  return steps.carryOut(plan, batch, ledger);
}

/** Gateways check filters; one that gets into the log all the same is set aside. */
function readableFilter({ spec }: ActivePartition, { filter }: DeleteMatchingMutation): Filter | ShoalError {
  try {
    return parseFilterBytes(filter, spec.fields);
  } catch (error) {
    if (error instanceof ShoalError) return error;
    throw error;
  }
}

/** Carries out all steps but the last, whose plan it returns: it belongs into the batch that ends the message. */
async function deleteInSteps(steps: SlotSteps, partition: ActivePartition, { sequence }: SlotMessage, mutation: DeleteMatchingMutation, lastBatch: StoreBatch): Promise<{ readonly plan: PartitionPlan; readonly deletedCount: number }> {
  const { store } = steps;
  const prepared = await prepareFilter(partition, store, mutation.filter, (names) => partition.filling.filled(names));
  const ids = [...idsOf(evaluateFilter(partition, prepared, true))] as VecId[];
  // What was deleted before a crash is counted already.
  let deletedCount = partition.deleting?.sequence === sequence ? partition.deleting.deletedCount : 0;
  for (let start = 0; ; start += RUN_OPERATIONS) {
    const step = ids.slice(start, start + RUN_OPERATIONS);
    const isLast = start + RUN_OPERATIONS >= ids.length;
    deletedCount += step.length;
    const batch = isLast ? lastBatch : new StoreBatch();
    const plan = await planStep(steps, partition, step, batch);
    partition.deleting = isLast ? undefined : { sequence, deletedCount };
    if (isLast) return { plan, deletedCount };
    await steps.carryOut(plan, batch, undefined);
  }
}

async function planStep({ store }: SlotSteps, partition: ActivePartition, ids: readonly VecId[], batch: StoreBatch): Promise<PartitionPlan> {
  const keys = new Set<VectorKey>(ids.map((id) => partition.keys.get(id)));
  const vectors = await existingVectors(partition, store, { keys, payloads: partition.payloads.hasFields, sequences: false });
  const plan = new PartitionPlan(partition, vectors, batch);
  for (const key of keys) plan.remove(key);
  return plan;
}

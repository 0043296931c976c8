/** Messages about whole partitions: each is a run of its own. */
import { EngineMemoryFullError, type VectorEngine } from '@shoal/index';
import { encodeOutcomes, mergeDeclaredFields, type DeclareMutation, type DeclaredFields, type DefineMutation, type DropMutation, type Mutation } from '@shoal/protocol';
import { partitionTerm, type RecentOperation, type ShardStore, type StoreBatch } from '@shoal/store';
import { applyDeleteMatching } from './delete-matching.ts';
import type { Run } from './message-runs.ts';
import type { CheckpointFiles } from './index-checkpoint.ts';
import { openEmptyPartition } from './open-partition.ts';
import { droppedRecord, partitionName, recordOf, type ActivePartition } from './partition-state.ts';
import type { SlotMessage } from './read-message.ts';
import type { SlotLedger, SlotState } from './slot-state.ts';
import type { PartitionPlan } from './write-plan.ts';

/** What the slot machine does for a message, step by step. */
export interface SlotSteps {
  readonly state: SlotState;
  readonly store: ShardStore;
  readonly engine: VectorEngine;
  readonly files?: CheckpointFiles;
  /** Commits slot records and whatever `fill` adds, and moves the applied sequence. */
  readonly commit: (fill: (ledger: SlotLedger, batch: StoreBatch) => void) => Promise<void>;
  /** Carries out the plan of one partition, where there is one; with a ledger the applied sequence moves in the same step. */
  readonly carryOut: (plan: PartitionPlan | undefined, batch: StoreBatch, ledger: SlotLedger | undefined) => Promise<void>;
}

export function applyPartitionMessage(steps: SlotSteps, { message, mutation }: Run & { readonly type: 'partition' }): Promise<void> {
  switch (mutation.type) {
    case 'define':
      return applyDefine(steps, message, mutation);
    case 'drop':
      return applyDrop(steps, message, mutation);
    case 'declare':
      return applyDeclare(steps, message, mutation);
    case 'delete_matching':
      return applyDeleteMatching(steps, message, mutation);
  }
}

/** What the slot remembers of a message without vector operations. */
function remembered({ sequence }: SlotMessage, { operationId }: Mutation): RecentOperation {
  return { sequence, operationId, outcomes: encodeOutcomes([]) };
}

async function applyDefine({ state, store, engine, commit }: SlotSteps, message: SlotMessage, mutation: DefineMutation): Promise<void> {
  const ref = { code: mutation.code, partition: mutation.partition };
  if (mutation.spec.code !== ref.code || ref.partition >= mutation.spec.partitions) {
    return commit((ledger) => ledger.setAside(message, 'misplaced_message', 'The specification belongs to another embedding or has fewer partitions.'));
  }
  // A repeated definition changes nothing; neither does one that arrives after the drop, because codes are never reused.
  if (state.partition(ref) !== undefined) return commit((ledger) => ledger.applied(message, remembered(message, mutation)));
  let partition: ActivePartition;
  try {
    partition = await openEmptyPartition(engine, store, ref, mutation.spec);
  } catch (error) {
    if (!(error instanceof EngineMemoryFullError)) throw error;
    return commit((ledger) => ledger.setAside(message, 'engine_memory_full', 'The engine has no memory for another partition.'));
  }
  // Known from here on, so that it is closed with the others when the commit fails.
  state.partitions.set(partitionName(ref), partition);
  await commit((ledger, batch) => {
    batch.putPartition(state.slot, recordOf(partition), ref);
    ledger.change(partitionTerm(ref, 'active', mutation.spec));
    ledger.applied(message, remembered(message, mutation));
  });
}

async function applyDrop({ state, store, files, commit }: SlotSteps, message: SlotMessage, mutation: DropMutation): Promise<void> {
  const ref = { code: mutation.code, partition: mutation.partition };
  const partition = state.partition(ref);
  await commit((ledger, batch) => {
    if (partition !== undefined) batch.putPartition(state.slot, droppedRecord(partition.spec), ref);
    if (partition?.state === 'active') ledger.change(partitionTerm(ref, 'dropped', partition.spec) - partitionTerm(ref, 'active', partition.spec) - partition.digest);
    ledger.applied(message, remembered(message, mutation));
  });
  if (partition?.state !== 'active') return;
  state.partitions.set(partitionName(ref), { state: 'dropped', ref, spec: partition.spec });
  await partition.filling.close();
  await partition.index.drop();
  const { taken } = partition.checkpoint;
  if (taken !== undefined) await files?.remove(taken.file);
  await store.purgePartition(ref);
}

/** Fields that the partition does not have yet. A name that it has keeps its type: the registry gives a name one type for ever. */
function newFields(partition: ActivePartition, declared: DeclaredFields): DeclaredFields {
  return declared.filter(({ name }) => !partition.spec.fields.some((known) => known.name === name));
}

async function applyDeclare({ state, commit }: SlotSteps, message: SlotMessage, mutation: DeclareMutation): Promise<void> {
  const partition = state.partition(mutation);
  if (partition === undefined) {
    return commit((ledger) => ledger.setAside(message, 'embedding_not_found', `Embedding ${mutation.code} was never defined in this slot.`, remembered(message, mutation)));
  }
  const added = partition.state === 'active' ? newFields(partition, mutation.fields) : [];
  if (partition.state === 'dropped' || added.length === 0) return commit((ledger) => ledger.applied(message, remembered(message, mutation)));
  const { spec } = partition;
  partition.spec = { ...spec, fields: mergeDeclaredFields(spec.fields, added) };
  // Before the commit, so that every later run finds the index of the field; what it misses is filled in the background.
  partition.payloads.declare(added, partition.vectorCount === 0);
  await commit((ledger, batch) => {
    batch.putPartition(state.slot, recordOf(partition), partition.ref);
    ledger.change(partitionTerm(partition.ref, 'active', partition.spec) - partitionTerm(partition.ref, 'active', spec));
    ledger.applied(message, remembered(message, mutation));
  });
  partition.filling.start();
}

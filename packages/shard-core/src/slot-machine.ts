import assert from 'node:assert';
import { EngineMemoryFullError, type VectorEngine } from '@shoal/index';
import { ShoalError, type Sequence, type Slot } from '@shoal/protocol';
import { StoreBatch, addDigest, requireSum, sumOfPartitions, type PartitionRef, type ShardStore } from '@shoal/store';
import type { FairGate, Timers } from '@shoal/pacing';
import { AppliedWaiters } from './applied-waiters.ts';
import { IdempotencyWindow } from './idempotency-window.ts';
import { isCheckpointDue, takeCheckpoints, type CheckpointFiles } from './index-checkpoint.ts';
import { cutIntoRuns, type Run, type WriteRun } from './message-runs.ts';
import { restorePartition } from './open-partition.ts';
import { openPlans } from './open-plans.ts';
import { applyPartitionMessage, type SlotSteps } from './partition-messages.ts';
import { partitionName, recordOf, type ActivePartition } from './partition-state.ts';
import { planRun, sameOutcome } from './plan-run.ts';
import { readMessage, type SlotMessage } from './read-message.ts';
import { RunCommit } from './run-commit.ts';
import { SlotLedger, SlotState } from './slot-state.ts';
import type { PartitionPlan } from './write-plan.ts';

export interface SlotMachineOptions {
  readonly slot: Slot;
  /** Slot count of the cluster. */
  readonly slots: number;
  readonly store: ShardStore;
  readonly engine: VectorEngine;
  readonly timers: Timers;
  /** Where indexes are kept in files; without it every recovery builds them from the rows. */
  readonly checkpoints?: CheckpointFiles;
  /** Where searches of different tenants take turns, over all slots of the shard; without one they run as they come. */
  readonly searchGate?: FairGate;
  /** Called for each message that found no memory in the engine. */
  readonly onNoMemory?: (ref: PartitionRef) => void;
}

/**
 * The state of one slot as a deterministic function of its messages.
 *
 * Invariants:
 * 1. The store's batch of a message holds its rows and the slot's applied sequence: after a crash either both are there or neither.
 * 2. The index runs ahead of the store by at most two runs, never behind it; it is rebuilt from the store, so it needs no durability. Commits follow one another.
 * 3. `appliedSequence` moves only after both have the run; whoever waits for a sequence then sees its vectors.
 * 4. A message that cannot apply is set aside with its reason and counted; the slot goes on.
 * 5. A message at or below the applied sequence, or with an operation id or idempotency id that the slot remembers, changes no vector.
 * 6. After an unexpected error the machine refuses further work; the caller recovers a new one from the store.
 */
export class SlotMachine {
  readonly state: SlotState;
  readonly store: ShardStore;
  readonly searchGate: FairGate | undefined;
  readonly #options: SlotMachineOptions;
  readonly #waiters: AppliedWaiters;
  readonly #steps: SlotSteps;
  #failure: unknown;
  #underWay: Promise<void> = Promise.resolve();
  readonly #storing = new RunCommit();
  #checkpointing: Promise<unknown> = Promise.resolve();

  private constructor(options: SlotMachineOptions, state: SlotState) {
    this.#options = options;
    this.state = state;
    this.store = options.store;
    this.searchGate = options.searchGate;
    this.#waiters = new AppliedWaiters(options.timers);
    this.#steps = {
      state,
      store: options.store,
      engine: options.engine,
      ...(options.checkpoints === undefined ? {} : { files: options.checkpoints }),
      commit: (fill) => this.#commit(fill),
      carryOut: async (plan, batch, ledger) => {
        const plans = plan === undefined ? [] : [plan];
        await this.#index(plans, new Set());
        await this.#store(plans, ledger, batch);
      },
    };
  }

  /** Rebuilds the slot from the store, to be followed by the log from `appliedSequence` + 1 on. */
  static async recover(options: SlotMachineOptions, signal: AbortSignal): Promise<SlotMachine> {
    const { store, slot, engine } = options;
    const record = await store.slotWithDigest(slot);
    // Rows without the slot's record are what a restore or a removal left that did not come to its end.
    if (record === undefined) await store.removeSlot(slot);
    const state = new SlotState(slot, record);
    const operations = await store.recentOperations(slot);
    if (operations.length !== (record?.operationTail ?? 0) - (record?.operationHead ?? 0)) {
      throw new ShoalError('store_corrupt', `Slot ${slot} remembers ${operations.length} operations in place of ${(record?.operationTail ?? 0) - (record?.operationHead ?? 0)}: a batch is missing on disk. The slot is rebuilt.`);
    }
    for (const { operation } of operations) state.recent.add(operation);
    const machine = new SlotMachine(options, state);
    const partitions = await store.partitions(slot);
    requireSum(slot, record?.digest, partitions);
    state.unsettledDigest = addDigest(sumOfPartitions(partitions), -state.rowsDigest);
    try {
      for (const { ref, record } of partitions) {
        if (record.state === 'dropped') {
          // The process may have died between the drop and the end of the purge.
          await store.purgePartition(ref);
          state.partitions.set(partitionName(ref), { state: 'dropped', ref, spec: record.spec });
        } else {
          state.partitions.set(partitionName(ref), await restorePartition({ engine, store, files: options.checkpoints, signal }, ref, record));
        }
      }
    } catch (error) {
      await machine.close().catch(() => undefined);
      throw error;
    }
    return machine;
  }

  /** For whoever waits on behalf of the machine. */
  get timers(): Timers {
    return this.#options.timers;
  }

  get appliedSequence(): Sequence {
    return this.state.appliedSequence;
  }

  /**
   * Applies consecutive messages, in ascending sequence. Not to be called again before it settled.
   * Rejects only for failures of the store or the engine; the machine is then to be closed and recovered.
   */
  async apply(messages: readonly SlotMessage[]): Promise<void> {
    const { applied } = await this.applyAhead(messages);
    await applied;
  }

  /** As `apply`, but resolves as soon as it may be called again: when all are in the index and the last rows on their way to the store. `applied` tells of the rest. */
  async applyAhead(messages: readonly SlotMessage[]): Promise<{ readonly applied: Promise<void> }> {
    const work = this.#applyAll(messages);
    const applied = work.then(() => this.#storing.done());
    this.#underWay = applied.catch(() => undefined);
    await work;
    return { applied };
  }

  /** Whether a message of the log is the one that was applied at its sequence; where the slot remembers no operation of it, by its sequence alone. */
  hasApplied(message: SlotMessage): boolean {
    const applied = this.state.recent.at(message.sequence);
    if (applied === undefined) return message.sequence <= this.appliedSequence;
    const read = readMessage(message, this.#options.slot, this.#options.slots);
    return read.type === 'mutation' && read.mutation.operationId === applied.operationId;
  }

  /** The oldest message at or beyond a sequence that the slot remembers to have applied; 0 when there is none. */
  rememberedFrom(sequence: Sequence): Sequence {
    const applied = this.state.appliedSequence;
    return this.state.recent.oldestFrom(sequence) ?? (applied >= sequence ? applied : (0 as Sequence));
  }

  /** Resolves when the messages being applied now, if any, are in the store. */
  settled(): Promise<void> {
    return this.#underWay;
  }

  async #applyAll(messages: readonly SlotMessage[]): Promise<void> {
    assert(this.#failure === undefined, 'a failed slot machine is recovered, not used');
    const fresh = messages.filter((message) => message.sequence > this.state.appliedSequence);
    try {
      for (const run of cutIntoRuns(fresh.map((message) => readMessage(message, this.#options.slot, this.#options.slots)))) await this.#applyRun(run);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /**
   * Writes the indexes of which enough changed to files, while messages are applied; `soon` where less is enough. Not to be called again
   * before it settled. Resolves with the bytes written; rejects with IndexFileFailedError or what the store threw, and nothing is lost then.
   */
  checkpoint(soon: (partition: ActivePartition) => boolean, signal: AbortSignal): Promise<number> {
    const { store, checkpoints: files } = this.#options;
    if (files === undefined || this.#failure !== undefined) return Promise.resolve(0);
    const due: ActivePartition[] = [];
    for (const partition of this.state.partitions.values()) {
      if (partition.state === 'active' && isCheckpointDue(partition, soon(partition))) due.push(partition);
    }
    const isCurrent = (partition: ActivePartition): boolean => this.#failure === undefined && this.state.partition(partition.ref) === partition;
    const work = takeCheckpoints({ store, files, isCurrent, signal }, due);
    this.#checkpointing = work.catch(() => undefined);
    return work;
  }

  /** Resolves when everything up to `sequence` is applied; rejects with `receipt_timeout` at the deadline. */
  async waitApplied(sequence: Sequence, timeoutMs: number): Promise<void> {
    if (sequence > this.state.appliedSequence) await this.#waiters.wait(sequence, timeoutMs);
  }

  /** Rejects whoever waits for a sequence, now and later: requests under way then end at once instead of at their deadlines. */
  stopWaiting(): void {
    this.#waiters.close(new ShoalError('slot_unavailable', `Slot ${this.#options.slot} is closing on this shard. Try again.`));
  }

  /** Frees the indexes and rejects whoever still waits. The store stays open. */
  async close(): Promise<void> {
    this.#failure ??= new Error('closed');
    this.stopWaiting();
    await this.#underWay;
    await this.#checkpointing;
    for (const partition of this.state.partitions.values()) {
      if (partition.state !== 'active') continue;
      await partition.filling.close();
      await partition.index.drop();
    }
  }

  async #applyRun(run: Run): Promise<void> {
    if (run.type === 'writes') return this.#applyWrites(run);
    await this.#storing.done();
    if (run.type === 'partition') await applyPartitionMessage(this.#steps, run);
    else await this.#commit((ledger) => ledger.setAside(run.message, run.reason, run.detail));
    this.#waiters.reached(this.state.appliedSequence);
  }

  /** Commits slot records and whatever `fill` adds, and moves the applied sequence. */
  async #commit(fill: (ledger: SlotLedger, batch: StoreBatch) => void): Promise<void> {
    const batch = new StoreBatch();
    const ledger = new SlotLedger(this.state, batch, await IdempotencyWindow.open(this.state, this.store, batch, []));
    fill(ledger, batch);
    await this.#commitLedger(ledger, batch);
  }

  /** Without a ledger the batch is a step in the middle of a message. */
  async #commitLedger(ledger: SlotLedger | undefined, batch: StoreBatch): Promise<void> {
    ledger?.write();
    await this.store.commit(batch, { sync: false });
    ledger?.adopt();
  }

  /**
   * Applies a run of writes in one step, and resolves when its commit is begun. Where the engine's memory ends, the run is applied message by message, so
   * that only messages that really do not fit are set aside. `indexed` names the partitions for which the index has the whole run
   * already, from the step that failed: planning their messages again gives the same ids, and the index is left alone.
   */
  async #applyWrites(run: WriteRun, indexed: ReadonlySet<ActivePartition> = new Set()): Promise<void> {
    if (!this.#storing.leavesAlone(run)) await this.#storing.done();
    const indexedNow = new Set(indexed);
    try {
      await this.#applyWritesAtOnce(run, indexedNow);
    } catch (error) {
      if (!(error instanceof EngineMemoryFullError)) throw error;
      await this.#storing.done();
      for (const write of run.writes) {
        const single: WriteRun = { type: 'writes', writes: [write] };
        if (run.writes.length > 1) await this.#applyWrites(single, indexedNow);
        else await this.#setAsideForMemory(write);
      }
    }
  }

  async #applyWritesAtOnce(run: WriteRun, indexed: Set<ActivePartition>): Promise<void> {
    const batch = new StoreBatch();
    const window = await IdempotencyWindow.open(this.state, this.store, batch, run.writes.map(({ mutation }) => mutation));
    const ledger = new SlotLedger(this.state, batch, window);
    const plans = await openPlans(run, this.state, this.store, batch);
    planRun(run, this.state, plans, ledger);
    await this.#index([...plans.values()], indexed);
    await this.#storing.done();
    this.#storing.begin(this.#storeRun([...plans.values()], ledger, batch), run);
  }

  async #storeRun(plans: readonly PartitionPlan[], ledger: SlotLedger, batch: StoreBatch): Promise<void> {
    try {
      await this.#store(plans, ledger, batch);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    this.#waiters.reached(this.state.appliedSequence);
  }

  /** Adds to `indexed` what the index has; of plans that do not follow it there, the ids are taken back. */
  async #index(plans: readonly PartitionPlan[], indexed: Set<ActivePartition>): Promise<void> {
    try {
      for (const plan of plans) {
        if (indexed.has(plan.partition)) continue;
        await this.#putIntoIndex(plan);
        indexed.add(plan.partition);
      }
    } catch (error) {
      for (const plan of plans) {
        plan.partition.ids.rollback();
        // What the engine has already stays, for the run is planned again.
        if (indexed.has(plan.partition)) continue;
        plan.partition.payloads.unstage(plan.changes.added);
        plan.partition.vectors?.unstage(plan.indexOps);
      }
      throw error;
    }
  }

  /** Adopts plans that are in the index, and brings their rows into the store. */
  async #store(plans: readonly PartitionPlan[], ledger: SlotLedger | undefined, batch: StoreBatch): Promise<void> {
    for (const plan of plans) {
      // Without a ledger the message goes on, and its end counts what its steps did.
      if (ledger === undefined) this.state.unsettledDigest = addDigest(this.state.unsettledDigest, plan.digest - plan.partition.digest);
      plan.partition.digest = plan.digest;
      plan.partition.ids.commit();
      if (plan.partition.checkpoint.journaled) batch.putChanges(plan.partition.ref, plan.changedIds());
      plan.partition.operationCount = plan.operationCount;
      plan.partition.vectorCount = plan.vectorCount;
      batch.putPartition(this.#options.slot, recordOf(plan.partition), plan.partition.ref);
    }
    await this.#commitLedger(ledger, batch);
    for (const plan of plans) {
      plan.partition.payloads.settle(plan.changes);
      plan.partition.vectors?.written(plan.indexOps, plan.partition.index);
    }
  }

  async #putIntoIndex(plan: PartitionPlan): Promise<void> {
    const { index, keys, vectors } = plan.partition;
    if (plan.indexOps.length === 0) return;
    // A recycled id gets its new key only when no search can still return its old vector.
    if (plan.recyclesIds) await index.quiesce();
    for (const { id, key } of plan.newKeys) keys.set(id, key);
    await vectors?.stage(plan.indexOps);
    plan.partition.payloads.stage(plan.changes.added);
    await index.apply(plan.indexOps);
  }

  async #setAsideForMemory({ message, mutation }: WriteRun['writes'][number]): Promise<void> {
    this.#options.onNoMemory?.({ code: mutation.code, partition: mutation.partition });
    await this.#commit((ledger) => {
      const detail = `The engine has no memory for ${mutation.operations.length} operations.`;
      ledger.setAside(message, 'engine_memory_full', detail, sameOutcome(message, mutation, 'memory_full'));
    });
  }
}

import type { VectorEngine } from '@shoal/index';
import { ShoalError, type Sequence, type Slot } from '@shoal/protocol';
import { addDigest, requireSum, sumOfPartitions, type PartitionRef, type ShardStore } from '@shoal/store';
import type { FairGate, Timers } from '@shoal/pacing';
import { AppliedWaiters } from './applied-waiters.ts';
import { isCheckpointDue, takeCheckpoints, type CheckpointFiles } from './index-checkpoint.ts';
import { cutIntoRuns, type Run } from './message-runs.ts';
import { restorePartition } from './open-partition.ts';
import { applyPartitionMessage, type SlotSteps } from './partition-messages.ts';
import { partitionName, type ActivePartition } from './partition-state.ts';
import { readMessage, type SlotMessage } from './read-message.ts';
import { RunPipeline } from './run-pipeline.ts';
import { SlotState } from './slot-state.ts';

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
  readonly #pipeline: RunPipeline;
  /** The last message that was taken. */
  #takenSequence: Sequence;
  #checkpointing: Promise<unknown> = Promise.resolve();

  private constructor(options: SlotMachineOptions, state: SlotState) {
    this.#options = options;
    this.state = state;
    this.#takenSequence = state.appliedSequence;
    this.store = options.store;
    this.searchGate = options.searchGate;
    this.#waiters = new AppliedWaiters(options.timers);
    const { onNoMemory } = options;
    this.#pipeline = new RunPipeline({
      state,
      store: options.store,
      ...(onNoMemory === undefined ? {} : { onNoMemory }),
      onStored: () => this.#waiters.reached(state.appliedSequence),
      onFailure: (error) => {
        this.#failure = error;
      },
    });
    this.#steps = {
      state,
      store: options.store,
      engine: options.engine,
      ...(options.checkpoints === undefined ? {} : { files: options.checkpoints }),
      commit: (fill) => this.#pipeline.commit(fill),
      carryOut: (plan, batch, ledger) => this.#pipeline.carryOut(plan, batch, ledger),
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

  /**
   * As `apply`, but resolves as soon as it may be called again: when the last run is on its way into the index. `applied` tells of the rest; a failure there
   * is also that of the next call.
   */
  async applyAhead(messages: readonly SlotMessage[]): Promise<{ readonly applied: Promise<void> }> {
    const work = this.#applyAll(messages);
    const applied = work.then(() => this.#pipeline.stored());
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
    // It is recovered, not used; what failed behind the last call is told here.
    if (this.#failure !== undefined) throw this.#failure;
    const fresh = messages.filter((message) => message.sequence > this.#takenSequence);
    this.#takenSequence = fresh.at(-1)?.sequence ?? this.#takenSequence;
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
    await this.#pipeline.stored().catch(() => undefined);
    await this.#checkpointing;
    for (const partition of this.state.partitions.values()) {
      if (partition.state !== 'active') continue;
      await partition.filling.close();
      await partition.index.drop();
    }
  }

  async #applyRun(run: Run): Promise<void> {
    if (run.type === 'writes') return this.#pipeline.apply(run);
    await this.#pipeline.stored();
    if (run.type === 'partition') await applyPartitionMessage(this.#steps, run);
    else await this.#pipeline.commit((ledger) => ledger.setAside(run.message, run.reason, run.detail));
    this.#waiters.reached(this.state.appliedSequence);
  }
}

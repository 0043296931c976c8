/**
 * Takes runs of writes into the index and the store, one behind the other: while a run is on its way into the index, the rows of the one before go to the
 * disk, and the next is decoded and the vectors that it names are read. The thread that links vectors is the narrowest part of a shard that takes writes.
 *
 * Invariants:
 * 1. Runs enter the index in their order, and the store in the same; the index is ahead by two runs at most.
 * 2. A run is planned when the run before is in the index, and on top of its ledger; what it reads of the store before is the same after.
 * 3. The state of partitions follows the index, and the applied sequence the store.
 */
import { EngineMemoryFullError } from '@shoal/index';
import { StoreBatch, addDigest, type PartitionRef, type ShardStore } from '@shoal/store';
import { IdempotencyWindow } from './idempotency-window.ts';
import type { WriteRun } from './message-runs.ts';
import { openPlans, readNamedVectors, type NamedVectors } from './open-plans.ts';
import { recordOf, type ActivePartition } from './partition-state.ts';
import { planRun, sameOutcome } from './plan-run.ts';
import { RunsUnderWay } from './runs-under-way.ts';
import { SlotLedger, type SlotState } from './slot-state.ts';
import type { PartitionPlan } from './write-plan.ts';

export interface RunPipelineParts {
  readonly state: SlotState;
  readonly store: ShardStore;
  /** Called for each message that found no memory in the engine. */
  readonly onNoMemory?: (ref: PartitionRef) => void;
  /** Called when a run is in the store and the applied sequence has moved. */
  readonly onStored: () => void;
  /** Called when a run failed that nobody may be waiting for; nothing is to follow it. */
  readonly onFailure: (error: unknown) => void;
}

/** A run that is in the index. */
interface Indexed {
  /** Resolves when its rows are in the store too. */
  readonly stored: Promise<void>;
}

export class RunPipeline {
  readonly #parts: RunPipelineParts;
  readonly #state: SlotState;
  readonly #store: ShardStore;
  readonly #runs = new RunsUnderWay();
  /** The run that was sent to the index last. */
  #indexing: Promise<Indexed> = Promise.resolve({ stored: Promise.resolve() });

  constructor(parts: RunPipelineParts) {
    this.#parts = parts;
    this.#state = parts.state;
    this.#store = parts.store;
  }

  /** Resolves when all that was sent to the index is in the store. */
  async stored(): Promise<void> {
    const { stored } = await this.#indexing;
    await stored;
  }

  /** Commits slot records and whatever `fill` adds, and moves the applied sequence. */
  async commit(fill: (ledger: SlotLedger, batch: StoreBatch) => void): Promise<void> {
    const batch = new StoreBatch();
    const ledger = new SlotLedger(this.#state, batch, await IdempotencyWindow.open(this.#state, this.#store, batch, []));
    fill(ledger, batch);
    await this.#commitLedger(ledger, batch);
  }

  /** Carries out the plan of one partition, where there is one, with nothing under way; with a ledger the applied sequence moves in the same step. */
  async carryOut(plan: PartitionPlan | undefined, batch: StoreBatch, ledger: SlotLedger | undefined): Promise<void> {
    const plans = plan === undefined ? [] : [plan];
    await this.#index(plans, new Set());
    await this.#bringIntoStore(plans, ledger, batch);
  }

  /** Without a ledger the batch is a step in the middle of a message. */
  async #commitLedger(ledger: SlotLedger | undefined, batch: StoreBatch): Promise<void> {
    ledger?.write();
    await this.#store.commit(batch, { sync: false });
    ledger?.adopt();
  }

  /** Prepares a run while those before it are under way, and sends it to the index after them. Not to be called again before it resolved. */
  async apply(run: WriteRun): Promise<void> {
    if (!this.#runs.leaveAlone(run)) await this.stored();
    const named = await readNamedVectors(run, this.#state, this.#store);
    const { stored } = await this.#indexing;
    this.#runs.begin(run);
    this.#indexing = this.#applyRun(run, named, stored, new Set());
    this.#indexing.catch(this.#parts.onFailure);
  }

  /**
   * Applies a run of writes in one step; resolves when it is in the index. Where the engine's memory ends, the run is applied message by message, so that
   * only messages that really do not fit are set aside. `indexed` names the partitions for which the index has the whole run
   * already, from the step that failed: planning their messages again gives the same ids, and the index is left alone.
   */
  async #applyRun(run: WriteRun, named: NamedVectors, before: Promise<void>, indexed: Set<ActivePartition>): Promise<Indexed> {
    const batch = new StoreBatch();
    const window = await IdempotencyWindow.open(this.#state, this.#store, batch, run.writes.map(({ mutation }) => mutation));
    const ledger = new SlotLedger(this.#state, batch, window);
    const plans = openPlans(named, batch);
    planRun(run, this.#state, plans, ledger);
    try {
      await this.#index([...plans.values()], indexed);
    } catch (error) {
      await before;
      if (!(error instanceof EngineMemoryFullError)) throw error;
      await this.#applySingly(run, indexed);
      this.#runs.end(run);
      return { stored: Promise.resolve() };
    }
    await before;
    const stored = this.#storeRun(run, [...plans.values()], ledger, batch);
    // Whoever waits for it is told; until then nobody may.
    stored.catch(() => undefined);
    return { stored };
  }

  async #applySingly(run: WriteRun, indexed: ReadonlySet<ActivePartition>): Promise<void> {
    for (const write of run.writes) {
      if (run.writes.length === 1) return this.#setAsideForMemory(write);
      const single: WriteRun = { type: 'writes', writes: [write] };
      const { stored } = await this.#applyRun(single, await readNamedVectors(single, this.#state, this.#store), Promise.resolve(), new Set(indexed));
      await stored;
    }
  }

  async #storeRun(run: WriteRun, plans: readonly PartitionPlan[], ledger: SlotLedger, batch: StoreBatch): Promise<void> {
    try {
      await this.#bringIntoStore(plans, ledger, batch);
    } catch (error) {
      this.#parts.onFailure(error);
      throw error;
    }
    this.#runs.end(run);
    this.#parts.onStored();
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
        plan.partition.unstored.release(plan);
        // What the engine has already stays, for the run is planned again.
        if (indexed.has(plan.partition)) continue;
        plan.partition.payloads.unstage(plan.changes.added);
        plan.partition.vectors?.unstage(plan.indexOps);
      }
      throw error;
    }
  }

  /** Adopts plans that are in the index, and brings their rows into the store. */
  async #bringIntoStore(plans: readonly PartitionPlan[], ledger: SlotLedger | undefined, batch: StoreBatch): Promise<void> {
    for (const plan of plans) {
      // Without a ledger the message goes on, and its end counts what its steps did.
      if (ledger === undefined) this.#state.unsettledDigest = addDigest(this.#state.unsettledDigest, plan.digest - plan.partition.digest);
      plan.partition.digest = plan.digest;
      plan.partition.ids.commit();
      if (plan.partition.checkpoint.journaled) batch.putChanges(plan.partition.ref, plan.changedIds());
      plan.partition.operationCount = plan.operationCount;
      plan.partition.vectorCount = plan.vectorCount;
      batch.putPartition(this.#state.slot, recordOf(plan.partition), plan.partition.ref);
    }
    await this.#commitLedger(ledger, batch);
    for (const plan of plans) {
      plan.partition.unstored.release(plan);
      plan.partition.payloads.settle(plan.changes);
      plan.partition.vectors?.written(plan.indexOps, plan.partition.index);
    }
  }

  async #putIntoIndex(plan: PartitionPlan): Promise<void> {
    const { index, keys, vectors, unstored } = plan.partition;
    unstored.hold(plan);
    if (plan.indexOps.length === 0) return;
    // A recycled id gets its new key only when no search can still return its old vector.
    if (plan.recyclesIds) await index.quiesce();
    for (const { id, key } of plan.newKeys) keys.set(id, key);
    await vectors?.stage(plan.indexOps);
    plan.partition.payloads.stage(plan.changes.added);
    await index.apply(plan.indexOps);
  }

  async #setAsideForMemory({ message, mutation }: WriteRun['writes'][number]): Promise<void> {
    this.#parts.onNoMemory?.({ code: mutation.code, partition: mutation.partition });
    await this.commit((ledger) => {
      const detail = `The engine has no memory for ${mutation.operations.length} operations.`;
      ledger.setAside(message, 'engine_memory_full', detail, sameOutcome(message, mutation, 'memory_full'));
    });
    this.#parts.onStored();
  }
}

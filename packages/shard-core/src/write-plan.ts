/**
 * Turns a run of write messages into one store batch and one list of index operations per partition, without touching
 * anything: the plan is carried out, and only then adopted.
 */
import {
  encodeOutcomes, mergePayload,
  type DeleteOperation, type Outcome, type PayloadOperation, type PutOperation, type Sequence, type VecId, type VectorKey, type VectorOperation, type WriteMutation,
} from '@shoal/protocol';
import type { IndexOp } from '@shoal/index';
import { addDigest, rowSum, type ChangedIds, type RecentOperation, type RowDigest, type StoreBatch } from '@shoal/store';
import type { ActivePartition } from './partition-state.ts';
import type { ChangedPayload, RemovedVector, SettledRun, StagedVector } from './payload-index/payload-index.ts';
import type { SlotMessage } from './read-message.ts';

export interface PlannedMessage {
  readonly message: SlotMessage;
  readonly mutation: WriteMutation;
  readonly partition: ActivePartition;
}

/** A vector that is there. What the operations of the run have no use for is not read and is absent. */
export interface ExistingVector {
  readonly id: VecId;
  readonly digest: RowDigest;
  readonly payload?: Uint8Array;
  readonly sequence?: Sequence;
}

/** What happens to one partition. */
export class PartitionPlan {
  readonly partition: ActivePartition;
  readonly indexOps: IndexOp[] = [];
  recyclesIds = false;
  operationCount: number;
  vectorCount: number;
  /** Of the partition after the operations planned so far. */
  digest: bigint;
  readonly #batch: StoreBatch;
  /** The vectors of all keys that the run names, as they stand after the operations planned so far. */
  readonly #vectors: Map<VectorKey, ExistingVector | undefined>;
  readonly #added = new Map<VecId, StagedVector>();
  readonly #removed: RemovedVector[] = [];
  readonly #changed = new Map<VecId, ChangedPayload>();
  readonly #newKeys: { id: VecId; key: VectorKey }[] = [];

  constructor(partition: ActivePartition, vectors: Map<VectorKey, ExistingVector | undefined>, batch: StoreBatch) {
    this.partition = partition;
    this.#vectors = vectors;
    this.#batch = batch;
    this.operationCount = partition.operationCount;
    this.vectorCount = partition.vectorCount;
    this.digest = partition.digest;
  }

  /** Every id that the run gives out, those that it takes back included. */
  get newKeys(): readonly { readonly id: VecId; readonly key: VectorKey }[] {
    return this.#newKeys;
  }

  /** What the payload index has to know of the run. */
  get changes(): SettledRun {
    return { added: [...this.#added.values()], removed: this.#removed, changed: [...this.#changed.values()] };
  }

  /** Which ids of the index the operations planned so far change. */
  changedIds(): ChangedIds {
    return { fromOperation: this.partition.operationCount, toOperation: this.operationCount, ids: [...new Set(this.indexOps.map(({ id }) => id as VecId))] };
  }

  /** Plans one message; returns what the slot remembers of it. */
  add({ message, mutation }: PlannedMessage): RecentOperation {
    const outcomes = mutation.operations.map((operation): Outcome => {
      this.operationCount += 1;
      return this.#plan(operation, message);
    });
    return { sequence: message.sequence, operationId: mutation.operationId, outcomes: encodeOutcomes(outcomes) };
  }

  /** Plans the end of a vector that is there. */
  remove(key: VectorKey): void {
    this.operationCount += 1;
    this.#delete({ type: 'delete', key });
  }

  #plan(operation: VectorOperation, message: SlotMessage): Outcome {
    const current = this.#vectors.get(operation.key);
    if (operation.ifSequence !== undefined && operation.ifSequence !== (current === undefined ? 0 : current.sequence)) return 'conflict';
    switch (operation.type) {
      case 'upsert':
      case 'insert':
        return this.#put(operation, message);
      case 'delete':
        return this.#delete(operation);
      case 'merge_payload':
      case 'replace_payload':
        return this.#changePayload(operation, message);
    }
  }

  #put(operation: PutOperation, message: SlotMessage): Outcome {
    const { ref, ids } = this.partition;
    const { key, payload, vector } = operation;
    const previous = this.#vectors.get(key);
    if (previous !== undefined && operation.type === 'insert') return 'exists';
    const allocation = ids.allocate(this.operationCount);
    if (allocation === undefined) return 'memory_full';
    const { id, recycledFrom } = allocation;
    if (recycledFrom !== undefined) {
      this.recyclesIds = true;
      this.#batch.removeFreedId(ref, recycledFrom);
    }
    if (previous !== undefined) this.#remove(previous, key, false);
    const digest = this.#batch.putVector(ref, id, key, { sequence: message.sequence, timeMs: message.timeMs, values: vector }, payload);
    this.indexOps.push({ type: 'put', id, vector });
    this.#newKeys.push({ id, key });
    this.#added.set(id, { id, key, payload });
    this.digest = addDigest(this.digest, rowSum(digest));
    this.#vectors.set(key, { id, digest, sequence: message.sequence, ...(payload === undefined ? {} : { payload }) });
    this.vectorCount += 1;
    return previous === undefined ? 'created' : 'replaced';
  }

  #delete({ key }: DeleteOperation): Outcome {
    const current = this.#vectors.get(key);
    if (current === undefined) return 'absent';
    this.#remove(current, key, true);
    this.#vectors.set(key, undefined);
    return 'deleted';
  }

  #changePayload({ type, key, payload: given }: PayloadOperation, message: SlotMessage): Outcome {
    const current = this.#vectors.get(key);
    if (current === undefined) return 'absent';
    const payload = type === 'replace_payload' ? given : mergePayload(current.payload, given);
    if (payload === undefined) return 'payload_too_large';
    const { id } = current;
    const digest = this.#batch.changePayload(this.partition.ref, current, key, payload, message.sequence);
    this.digest = addDigest(this.digest, digest.payload - current.digest.payload);
    this.#vectors.set(key, { id, digest, payload, sequence: message.sequence });
    if (this.#added.has(id)) this.#added.set(id, { id, key, payload });
    else this.#changed.set(id, { id, payload: this.#changed.has(id) ? this.#changed.get(id)?.payload : current.payload, newPayload: payload });
    return 'updated';
  }

  #remove({ id, digest, payload }: ExistingVector, key: VectorKey, unlinkKey: boolean): void {
    const { ref, ids } = this.partition;
    this.digest = addDigest(this.digest, -rowSum(digest));
    this.indexOps.push({ type: 'remove', id });
    this.#batch.removeVector(ref, id, key, { unlinkKey });
    const freed = { id, freedAtOperation: this.operationCount };
    this.#batch.putFreedId(ref, ids.free(freed), freed);
    this.vectorCount -= 1;
    // What came in this run was never in the payload index; what was there before stands in it with the payload before the run.
    if (this.#added.delete(id)) return;
    const changed = this.#changed.get(id);
    this.#changed.delete(id);
    this.#removed.push({ id, payload: changed === undefined ? payload : changed.payload });
  }
}

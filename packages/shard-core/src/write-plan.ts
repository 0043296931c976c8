/**
 * Turns a run of write messages into one store batch and one list of index operations per partition, without touching
 * anything: the plan is carried out, and only then adopted.
 */
import { encodeOutcomes, type Outcome, type PutOperation, type VecId, type VectorKey, type WriteMutation } from '@shoal/protocol';
import type { IndexOp } from '@shoal/index';
import type { RecentOperation, StoreBatch } from '@shoal/store';
import type { ActivePartition } from './partition-state.ts';
import type { SlotMessage } from './read-message.ts';

export interface PlannedMessage {
  readonly message: SlotMessage;
  readonly mutation: WriteMutation;
  readonly partition: ActivePartition;
}

/** What happens to one partition. */
export class PartitionPlan {
  readonly partition: ActivePartition;
  readonly indexOps: IndexOp[] = [];
  readonly newKeys: { id: VecId; key: VectorKey }[] = [];
  recyclesIds = false;
  operationCount: number;
  vectorCount: number;
  readonly #batch: StoreBatch;
  /** Ids of all keys that the run names, as they stand after the operations planned so far. */
  readonly #idOf: Map<VectorKey, VecId | undefined>;

  constructor(partition: ActivePartition, idOf: Map<VectorKey, VecId | undefined>, batch: StoreBatch) {
    this.partition = partition;
    this.#idOf = idOf;
    this.#batch = batch;
    this.operationCount = partition.operationCount;
    this.vectorCount = partition.vectorCount;
  }

  /** Plans one message; returns what the slot remembers of it. */
  add({ message, mutation }: PlannedMessage): RecentOperation {
    const outcomes: Outcome[] = [];
    for (const operation of mutation.operations) {
      this.operationCount += 1;
      outcomes.push(operation.type === 'delete' ? this.#delete(operation.key) : this.#put(operation, message));
    }
    return { sequence: message.sequence, operationId: mutation.operationId, outcomes: encodeOutcomes(outcomes) };
  }

  #put(operation: PutOperation, message: SlotMessage): Outcome {
    const { ref, ids } = this.partition;
    const previous = this.#idOf.get(operation.key);
    if (previous !== undefined && operation.type === 'insert') return 'exists';
    const allocation = ids.allocate(this.operationCount);
    if (allocation === undefined) return 'memory_full';
    if (allocation.recycledFrom !== undefined) {
      this.recyclesIds = true;
      this.#batch.removeFreedId(ref, allocation.recycledFrom);
    }
    if (previous !== undefined) this.#remove(previous, operation.key, false);
    this.#batch.putVector(ref, allocation.id, operation.key, { sequence: message.sequence, timeMs: message.timeMs, values: operation.vector }, operation.payload);
    this.indexOps.push({ type: 'put', id: allocation.id, vector: operation.vector });
    this.newKeys.push({ id: allocation.id, key: operation.key });
    this.#idOf.set(operation.key, allocation.id);
    this.vectorCount += 1;
    return previous === undefined ? 'created' : 'replaced';
  }

  #delete(key: VectorKey): Outcome {
    const id = this.#idOf.get(key);
    if (id === undefined) return 'absent';
    this.#remove(id, key, true);
    this.#idOf.set(key, undefined);
    return 'deleted';
  }

  #remove(id: VecId, key: VectorKey, unlinkKey: boolean): void {
    const { ref, ids } = this.partition;
    this.indexOps.push({ type: 'remove', id });
    this.#batch.removeVector(ref, id, key, { unlinkKey });
    const freed = { id, freedAtOperation: this.operationCount };
    this.#batch.putFreedId(ref, ids.free(freed), freed);
    this.vectorCount -= 1;
  }
}

import type { LogEntry, MutationLog } from '@shoal/bus';
import {
  DEFAULTS, encodeMutation, parsePartition, slotOf,
  type EmbeddingSpec, type Mutation, type OperationId, type Partition, type Sequence,
} from '@shoal/protocol';

/** Publishes that an embedding begins or ends, to each of its partitions. Saying either again changes nothing in the shards. */
export class DefinitionPublisher {
  readonly #log: MutationLog;
  readonly #newOperationId: () => OperationId;

  constructor(log: MutationLog, newOperationId: () => OperationId) {
    this.#log = log;
    this.#newOperationId = newOperationId;
  }

  /** The sequence of the definition of each partition. */
  define(spec: EmbeddingSpec): Promise<readonly Sequence[]> {
    return this.#publish(spec, (partition, operationId) => ({ type: 'define', operationId, code: spec.code, partition, spec }));
  }

  /** The sequence at which each partition learns of all fields. */
  declare(spec: EmbeddingSpec): Promise<readonly Sequence[]> {
    return this.#publish(spec, (partition, operationId) => ({ type: 'declare', operationId, code: spec.code, partition, fields: spec.fields }));
  }

  async drop(spec: EmbeddingSpec): Promise<void> {
    await this.#publish(spec, (partition, operationId) => ({ type: 'drop', operationId, code: spec.code, partition }));
  }

  #publish(spec: EmbeddingSpec, mutationOf: (partition: Partition, operationId: OperationId) => Mutation): Promise<readonly Sequence[]> {
    const entries: LogEntry[] = [];
    for (let index = 0; index < spec.partitions; index += 1) {
      const partition = parsePartition(index);
      const operationId = this.#newOperationId();
      entries.push({
        address: { slot: slotOf(spec.code, partition, this.#log.slots), code: spec.code, partition },
        operationId,
        bytes: encodeMutation(mutationOf(partition, operationId)),
      });
    }
    return this.#log.publish(entries, { timeoutMs: DEFAULTS.writeTimeoutMs });
  }
}

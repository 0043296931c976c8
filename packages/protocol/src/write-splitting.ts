/** Cuts a long list of vector operations into messages that the log takes. */
import assert from 'node:assert';
import type { EmbeddingCode, OperationId, Partition } from './ids.ts';
import { LIMITS } from './limits.ts';
import { emptyWriteBytes } from './mutation-codec.ts';
import type { VectorOperation, WriteMutation } from './mutation.ts';
import { encodedOperationBytes } from './write-operations-codec.ts';

/** How a message is told from others. */
export interface MessageIdentity {
  readonly operationId: OperationId;
  /** There when the caller may repeat the write under an idempotency key. */
  readonly idempotencyId?: OperationId;
}

export interface WriteOperations {
  readonly code: EmbeddingCode;
  readonly partition: Partition;
  readonly dim: number;
  readonly operations: readonly VectorOperation[];
  /** The identity of the index-th message, which has these operations. */
  readonly identify: (operations: readonly VectorOperation[], index: number) => MessageIdentity;
}

/**
 * The operations in order, in as few messages as first-come filling gives: each encodes to at most LIMITS.mutationBytes and has at most
 * LIMITS.mutationOperations operations. No operations, no messages. The same operations are always cut in the same way.
 */
export function splitWriteOperations({ code, partition, dim, operations, identify }: WriteOperations): WriteMutation[] {
  const messages: WriteMutation[] = [];
  // Room for version 2, whether it is needed or not: then an idempotency key does not move the cuts.
  const emptyBytes = emptyWriteBytes(2);
  let start = 0;
  let sizeBytes = emptyBytes;
  const cut = (end: number): void => {
    if (end > start) {
      const taken = operations.slice(start, end);
      messages.push({ type: 'write', ...identify(taken, messages.length), code, partition, dim, operations: taken });
    }
    start = end;
    sizeBytes = emptyBytes;
  };
  operations.forEach((operation, index) => {
    const operationBytes = encodedOperationBytes(operation, dim, 2);
    assert(emptyBytes + operationBytes <= LIMITS.mutationBytes, 'one operation always fits: the limits of key, payload and dimension see to it');
    if (sizeBytes + operationBytes > LIMITS.mutationBytes || index - start === LIMITS.mutationOperations) cut(index);
    sizeBytes += operationBytes;
  });
  cut(operations.length);
  return messages;
}

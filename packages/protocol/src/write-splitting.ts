/** Cuts a long list of vector operations into messages that the log takes. */
import assert from 'node:assert';
import type { EmbeddingCode, OperationId, Partition } from './ids.ts';
import { LIMITS } from './limits.ts';
import { EMPTY_WRITE_BYTES, encodedOperationBytes } from './mutation-codec.ts';
import type { VectorOperation, WriteMutation } from './mutation.ts';

export interface WriteOperations {
  readonly code: EmbeddingCode;
  readonly partition: Partition;
  readonly dim: number;
  readonly operations: readonly VectorOperation[];
  /** A fresh id for each message. */
  readonly newOperationId: () => OperationId;
}

/**
 * The operations in order, in as few messages as first-come filling gives: each encodes to at most LIMITS.mutationBytes and has at most
 * LIMITS.mutationOperations operations. No operations, no messages.
 */
export function splitWriteOperations({ code, partition, dim, operations, newOperationId }: WriteOperations): WriteMutation[] {
  const messages: WriteMutation[] = [];
  let start = 0;
  let sizeBytes = EMPTY_WRITE_BYTES;
  const cut = (end: number): void => {
    if (end > start) messages.push({ type: 'write', operationId: newOperationId(), code, partition, dim, operations: operations.slice(start, end) });
    start = end;
    sizeBytes = EMPTY_WRITE_BYTES;
  };
  operations.forEach((operation, index) => {
    const operationBytes = encodedOperationBytes(operation, dim);
    assert(EMPTY_WRITE_BYTES + operationBytes <= LIMITS.mutationBytes, 'one operation always fits: the limits of key, payload and dimension see to it');
    if (sizeBytes + operationBytes > LIMITS.mutationBytes || index - start === LIMITS.mutationOperations) cut(index);
    sizeBytes += operationBytes;
  });
  cut(operations.length);
  return messages;
}

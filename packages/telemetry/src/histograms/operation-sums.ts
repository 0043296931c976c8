import type { ErrorCode } from '@shoal/protocol';
import { EMPTY_HISTOGRAM, addHistograms, countOf } from './latency-histogram.ts';
import { OPERATIONS, type Operation, type OperationSnapshot, type OperationSnapshots } from './operation-metrics.ts';

const NOTHING: OperationSnapshot = { latency: EMPTY_HISTOGRAM, errors: {} };

export const NO_OPERATIONS: OperationSnapshots = Object.fromEntries(OPERATIONS.map((operation) => [operation, NOTHING])) as Record<Operation, OperationSnapshot>;

function addErrors(a: OperationSnapshot['errors'], b: OperationSnapshot['errors']): OperationSnapshot['errors'] {
  const sum: Partial<Record<ErrorCode, number>> = { ...a };
  for (const [code, count] of Object.entries(b) as [ErrorCode, number][]) sum[code] = (sum[code] ?? 0) + count;
  return sum;
}

export function addSnapshots(a: OperationSnapshots, b: OperationSnapshots): OperationSnapshots {
  return Object.fromEntries(OPERATIONS.map((operation) => {
    const [left, right] = [a[operation], b[operation]];
    return [operation, { latency: addHistograms(left.latency, right.latency), errors: addErrors(left.errors, right.errors) }];
  })) as Record<Operation, OperationSnapshot>;
}

/** Successful operations of every type together. */
export function operationCount(snapshots: OperationSnapshots): number {
  return OPERATIONS.reduce((sum, operation) => sum + countOf(snapshots[operation].latency), 0);
}

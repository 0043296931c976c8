import type { ErrorCode, ReportedOperation } from '@shoal/protocol';
import type { LatencyHistogram, LatencySummary } from './latency-histogram.ts';

/**
 * Everything that is counted as an operation. The order is that of the cells in shared memory: append only.
 * VectorInsert and VectorDelete are measured until applied; VectorLog is a write or delete whose caller waited for the log only.
 */
export const OPERATIONS = ['VectorInsert', 'VectorSearch', 'VectorDelete', 'NodeInsert', 'NodeQuery', 'EdgeInsert', 'EdgeQuery', 'VectorLog'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** The name of an operation as an attribute of a metric. */
export const OPERATION_NAMES: Readonly<Record<Operation, ReportedOperation>> = {
  VectorInsert: 'vector_insert',
  VectorSearch: 'vector_search',
  VectorDelete: 'vector_delete',
  NodeInsert: 'node_insert',
  NodeQuery: 'node_query',
  EdgeInsert: 'edge_insert',
  EdgeQuery: 'edge_query',
  VectorLog: 'vector_log',
};

/** What is known of one operation type. */
export interface OperationSnapshot {
  readonly latency: LatencyHistogram;
  /** Failed operations by the code of their error; only those that happened. */
  readonly errors: Readonly<Partial<Record<ErrorCode, number>>>;
}

export type OperationSnapshots = Readonly<Record<Operation, OperationSnapshot>>;

export interface OperationSummary {
  /** Undefined while none succeeded. */
  readonly latency: LatencySummary | undefined;
  readonly errorCount: number;
  readonly errors: OperationSnapshot['errors'];
}

/** One interface over all operation types: who measures something records it here, whatever it is. */
export interface OperationMetrics {
  /** Counts `count` operations (1 by default) that succeeded after this long each. */
  record(operation: Operation, durationUs: number, count?: number): void;
  recordError(operation: Operation, code: ErrorCode, count?: number): void;
  snapshot(): OperationSnapshots;
}

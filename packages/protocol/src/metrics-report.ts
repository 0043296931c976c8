/** What a service announces of its metrics: everything since it started, so that a message that is lost costs nothing but time. */
import type { EmbeddingCode } from './ids.ts';

export const METRICS_SERVICES = ['gateway', 'shard'] as const;
export type MetricsService = (typeof METRICS_SERVICES)[number];

/** Names of operations, as attributes of metrics have them. */
export const REPORTED_OPERATIONS = ['vector_insert', 'vector_search', 'vector_delete', 'node_insert', 'node_query', 'edge_insert', 'edge_query', 'vector_log'] as const;
export type ReportedOperation = (typeof REPORTED_OPERATIONS)[number];

export interface ReportedFigures {
  /** Operations that succeeded, by bucket of their duration. */
  readonly buckets: readonly number[];
  /** Sum of their durations, nanoseconds. */
  readonly sumNs: number;
  /** Operations that failed, by the code of their error. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Operations that never happened are left out. */
export type ReportedFiguresByOperation = Readonly<Partial<Record<ReportedOperation, ReportedFigures>>>;

export interface ReportedEmbedding {
  readonly code: EmbeddingCode;
  readonly operations: ReportedFiguresByOperation;
}

/** Searches that were run again exactly: of `expected` neighbours that belong in the answers, `found` were there. */
export interface ReportedRecall {
  readonly code: EmbeddingCode;
  readonly searches: number;
  readonly expected: number;
  readonly found: number;
}

export interface MetricsReport {
  readonly service: MetricsService;
  /** Random, new with every start of the process. */
  readonly instance: string;
  readonly startedAtMs: number;
  /** Grows with every report of the instance; an older report than one that is known is left out. */
  readonly count: number;
  readonly operations: ReportedFiguresByOperation;
  /** Those with the most operations. */
  readonly embeddings: readonly ReportedEmbedding[];
  readonly recall: readonly ReportedRecall[];
}

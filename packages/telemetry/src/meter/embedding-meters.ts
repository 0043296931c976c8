import type { EmbeddingCode } from '@shoal/protocol';
import { ConcurrentMetrics } from '../histograms/concurrent-metrics.ts';
import type { OperationSnapshots } from '../histograms/operation-metrics.ts';
import { operationCount } from '../histograms/operation-sums.ts';

export interface MeasuredEmbedding {
  readonly code: EmbeddingCode;
  readonly operations: OperationSnapshots;
}

/**
 * Operations by embedding.
 *
 * Invariants:
 * 1. At most `limit` embeddings are counted, the first that came; the totals of the service hold all.
 * 2. What is counted for an embedding never decreases while the process lives.
 */
export class EmbeddingMeters {
  readonly #byCode = new Map<EmbeddingCode, ConcurrentMetrics>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Undefined for an embedding that came when all places were taken. */
  of(code: EmbeddingCode): ConcurrentMetrics | undefined {
    const known = this.#byCode.get(code);
    if (known !== undefined || this.#byCode.size >= this.#limit) return known;
    const metrics = new ConcurrentMetrics();
    this.#byCode.set(code, metrics);
    return metrics;
  }

  /** Those with the most operations, most first. */
  busiest(count: number): readonly MeasuredEmbedding[] {
    return [...this.#byCode]
      .map(([code, metrics]) => ({ code, operations: metrics.snapshot() }))
      .sort((a, b) => operationCount(b.operations) - operationCount(a.operations) || a.code - b.code)
      .slice(0, count);
  }
}

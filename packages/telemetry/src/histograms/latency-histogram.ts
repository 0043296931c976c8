import { BUCKET_COUNT, boundsOf } from './latency-buckets.ts';

/** A histogram as plain numbers: what is sent, added up and exported. */
export interface LatencyHistogram {
  /** Operations per bucket; BUCKET_COUNT of them. */
  readonly buckets: readonly number[];
  /** Sum of all durations, nanoseconds. */
  readonly sumNs: number;
}

export const EMPTY_HISTOGRAM: LatencyHistogram = { buckets: new Array<number>(BUCKET_COUNT).fill(0), sumNs: 0 };

export function countOf({ buckets }: LatencyHistogram): number {
  return buckets.reduce((sum, count) => sum + count, 0);
}

/** Adding bucket by bucket is exact: the percentile of the sum is that of all operations, which no mean of percentiles is. */
export function addHistograms(a: LatencyHistogram, b: LatencyHistogram): LatencyHistogram {
  return { buckets: a.buckets.map((count, bucket) => count + (b.buckets[bucket] ?? 0)), sumNs: a.sumNs + b.sumNs };
}

/** What `later` has beyond `earlier`, where both are of one ascending series. */
export function subtractHistograms(later: LatencyHistogram, earlier: LatencyHistogram): LatencyHistogram {
  return { buckets: later.buckets.map((count, bucket) => count - (earlier.buckets[bucket] ?? 0)), sumNs: later.sumNs - earlier.sumNs };
}

/** An estimate, with the bucket in which the true percentile lies for certain. */
export interface PercentileEstimate {
  readonly estimateUs: number;
  /** Not included, except 0. */
  readonly lowerUs: number;
  /** Included; infinite in the overflow bucket, where the estimate is the lower bound. */
  readonly upperUs: number;
}

/**
 * The nearest-rank percentile as far as buckets tell it: its bucket is exact, and the place inside is interpolated as if the
 * operations of the bucket were spread evenly (as Prometheus's histogram_quantile does). Undefined without operations.
 */
export function percentileOf(histogram: LatencyHistogram, percent: number): PercentileEstimate | undefined {
  const total = countOf(histogram);
  if (total === 0) return undefined;
  const rank = Math.max(1, Math.ceil((percent / 100) * total));
  let below = 0;
  for (const [bucket, count] of histogram.buckets.entries()) {
    if (below + count >= rank) {
      const bounds = boundsOf(bucket);
      const share = (rank - below) / count;
      const estimateUs = Number.isFinite(bounds.upperUs) ? bounds.lowerUs + share * (bounds.upperUs - bounds.lowerUs) : bounds.lowerUs;
      return { estimateUs, ...bounds };
    }
    below += count;
  }
  return undefined;
}

export interface LatencySummary {
  readonly count: number;
  /** Exact, from the sum of the durations. */
  readonly averageUs: number;
  readonly p50: PercentileEstimate;
  readonly p95: PercentileEstimate;
  readonly p99: PercentileEstimate;
}

/** Undefined without operations. */
export function summarise(histogram: LatencyHistogram): LatencySummary | undefined {
  const count = countOf(histogram);
  const [p50, p95, p99] = [50, 95, 99].map((percent) => percentileOf(histogram, percent));
  if (p50 === undefined || p95 === undefined || p99 === undefined) return undefined;
  return { count, averageUs: histogram.sumNs / count / 1000, p50, p95, p99 };
}

/**
 * The latency buckets of every histogram, everywhere: powers of two of a microsecond.
 *
 *     bucket 0      0 to 1 us, both included
 *     bucket i      above 2^(i-1) us, to 2^i us included
 *     bucket 19     above 262,144 us: the overflow bucket
 *
 * An upper bound belongs to its bucket, as in OpenTelemetry's explicit buckets and in Prometheus's `le`, so that the same
 * numbers can be handed to both without a shift.
 */
export const BUCKET_COUNT = 20;

/** Upper bounds of all buckets but the last, ascending, in microseconds. */
export const BUCKET_BOUNDS_US: readonly number[] = Array.from({ length: BUCKET_COUNT - 1 }, (_, bucket) => 2 ** bucket);

/** The same in seconds, as OpenTelemetry and Prometheus have them. */
export const BUCKET_BOUNDS_SECONDS: readonly number[] = BUCKET_BOUNDS_US.map((bound) => bound / 1e6);

const OVERFLOW_BUCKET = BUCKET_COUNT - 1;
const LAST_BOUND_US = 2 ** (BUCKET_COUNT - 2);

/** The bucket of a duration. What is no positive number counts as 0: a clock that was set back must not lose an operation. */
export function bucketOf(durationUs: number): number {
  if (!(durationUs > 1)) return 0;
  if (durationUs > LAST_BOUND_US) return OVERFLOW_BUCKET;
  return 32 - Math.clz32(Math.ceil(durationUs) - 1);
}

export interface BucketBounds {
  /** Not included, except 0. */
  readonly lowerUs: number;
  /** Included; infinite for the overflow bucket. */
  readonly upperUs: number;
}

export function boundsOf(bucket: number): BucketBounds {
  return {
    lowerUs: bucket === 0 ? 0 : (BUCKET_BOUNDS_US[bucket - 1] ?? 0),
    upperUs: BUCKET_BOUNDS_US[bucket] ?? Number.POSITIVE_INFINITY,
  };
}

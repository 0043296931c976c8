import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUCKET_BOUNDS_SECONDS, BUCKET_BOUNDS_US, BUCKET_COUNT, boundsOf, bucketOf } from './latency-buckets.ts';
import { EMPTY_HISTOGRAM, addHistograms, countOf, percentileOf, subtractHistograms, summarise, type LatencyHistogram } from './latency-histogram.ts';

/** Durations around every boundary and far beyond the last one. */
const durationUs = fc.oneof(
  fc.double({ min: 0, max: 1e7, noNaN: true }),
  fc.constantFrom(...BUCKET_BOUNDS_US.flatMap((bound) => [bound, bound * (1 - Number.EPSILON), bound * (1 + Number.EPSILON), bound + 0.5])),
);
const durations = fc.array(durationUs, { minLength: 1, maxLength: 200 });

function histogramOf(samplesUs: readonly number[]): LatencyHistogram {
  const buckets = new Array<number>(BUCKET_COUNT).fill(0);
  for (const sample of samplesUs) buckets[bucketOf(sample)] = (buckets[bucketOf(sample)] ?? 0) + 1;
  return { buckets, sumNs: samplesUs.reduce((sum, sample) => sum + Math.round(sample * 1000), 0) };
}

describe('latency buckets', () => {
  it('are the twenty powers of two from 1 us to the overflow above 262 ms', () => {
    expect(BUCKET_BOUNDS_US).toHaveLength(BUCKET_COUNT - 1);
    expect([BUCKET_BOUNDS_US[0], BUCKET_BOUNDS_US[1], BUCKET_BOUNDS_US.at(-1)]).toEqual([1, 2, 262_144]);
    expect(BUCKET_BOUNDS_SECONDS.at(-1)).toBe(0.262144);
  });

  it('put every duration into exactly the bucket whose bounds hold it', () => {
    fc.assert(fc.property(durationUs, (value) => {
      const bucket = bucketOf(value);
      // The oracle walks the bounds as OpenTelemetry defines explicit buckets: the first upper bound that is not below the value.
      const expected = BUCKET_BOUNDS_US.findIndex((bound) => value <= bound);
      expect(bucket).toBe(expected === -1 ? BUCKET_COUNT - 1 : expected);
      const { lowerUs, upperUs } = boundsOf(bucket);
      expect(value <= upperUs && (value > lowerUs || value === 0)).toBe(true);
    }));
  });

  it('count a duration that no clock should give in the first bucket', () => {
    expect([Number.NaN, -1, Number.NEGATIVE_INFINITY].map(bucketOf)).toEqual([0, 0, 0]);
    expect(bucketOf(Number.POSITIVE_INFINITY)).toBe(BUCKET_COUNT - 1);
  });
});

describe('latency histograms', () => {
  it('add up to the histogram of all samples, in any order, and subtract back', () => {
    fc.assert(fc.property(durations, durations, (left, right) => {
      const [a, b, both] = [histogramOf(left), histogramOf(right), histogramOf([...left, ...right])];
      expect(addHistograms(a, b).buckets).toEqual(both.buckets);
      expect(addHistograms(b, a)).toEqual(addHistograms(a, b));
      expect(subtractHistograms(addHistograms(a, b), b).buckets).toEqual(a.buckets);
      expect(addHistograms(a, EMPTY_HISTOGRAM)).toEqual(a);
    }));
  });

  it('name the bucket of the exact nearest-rank percentile, and estimate inside it', () => {
    fc.assert(fc.property(durations, fc.integer({ min: 1, max: 100 }), (samples, percent) => {
      const ascending = [...samples].sort((a, b) => a - b);
      const exact = ascending[Math.ceil((percent / 100) * ascending.length) - 1] ?? Number.NaN;
      const estimate = percentileOf(histogramOf(samples), percent);
      const bounds = boundsOf(bucketOf(exact));
      expect(estimate).toMatchObject(bounds);
      expect(estimate?.estimateUs).toBeGreaterThanOrEqual(bounds.lowerUs);
      expect(estimate?.estimateUs).toBeLessThanOrEqual(bounds.upperUs);
    }));
  });

  it('interpolate evenly inside a bucket, and give the lower bound of the overflow bucket', () => {
    const hundred = histogramOf(new Array<number>(100).fill(3));
    expect(percentileOf(hundred, 50)).toEqual({ estimateUs: 3, lowerUs: 2, upperUs: 4 });
    expect(percentileOf(hundred, 100)?.estimateUs).toBe(4);
    expect(percentileOf(histogramOf([1e9]), 50)).toEqual({ estimateUs: 262_144, lowerUs: 262_144, upperUs: Number.POSITIVE_INFINITY });
  });

  it('say nothing of no operations', () => {
    expect(percentileOf(EMPTY_HISTOGRAM, 50)).toBeUndefined();
    expect(summarise(EMPTY_HISTOGRAM)).toBeUndefined();
    expect(countOf(EMPTY_HISTOGRAM)).toBe(0);
  });
});

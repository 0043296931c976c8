import assert from 'node:assert/strict';

/** The nearest-rank percentile: the smallest sample that at least `percent` of all samples do not exceed. Any unit; at least one sample. */
export function percentile(samples: readonly number[], percent: number): number {
  assert(samples.length > 0, 'a percentile needs at least one sample');
  assert(percent > 0 && percent <= 100, `percent ${percent} is outside 0 to 100`);
  const ascending = Float64Array.from(samples).sort();
  return ascending[Math.ceil((percent / 100) * ascending.length) - 1] ?? NaN;
}

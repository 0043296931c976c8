export * from './concurrent-metrics.ts';
export * from './latency-buckets.ts';
export * from './latency-histogram.ts';
export * from './operation-metrics.ts';
export * from './operation-sums.ts';

/** The families of a process as OpenTelemetry's metric data. */
import { ValueType, type HrTime } from '@opentelemetry/api';
import { AggregationTemporality, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import { BUCKET_BOUNDS_SECONDS } from '../histograms/latency-buckets.ts';
import { countOf } from '../histograms/latency-histogram.ts';
import type { HistogramPoint, MetricFamily } from '../meter/metric-family.ts';

const hrTimeOf = (timeMs: number): HrTime => [Math.floor(timeMs / 1_000), Math.round((timeMs % 1_000) * 1e6)];

const boundaries = [...BUCKET_BOUNDS_SECONDS];

function histogramValue({ histogram }: HistogramPoint) {
  return { buckets: { boundaries, counts: [...histogram.buckets] }, sum: histogram.sumNs / 1e9, count: countOf(histogram) };
}

/** `startedAtMs` is when the process began to count: a collector tells a restart by it. */
export function metricDataOf(families: readonly MetricFamily[], startedAtMs: number, nowMs: number): MetricData[] {
  const times = { startTime: hrTimeOf(startedAtMs), endTime: hrTimeOf(nowMs) };
  return families.map((family): MetricData => {
    const { name, description, unit } = family;
    const head = { descriptor: { name, description, unit, valueType: ValueType.DOUBLE }, aggregationTemporality: AggregationTemporality.CUMULATIVE };
    if (family.type === 'histogram') {
      return { ...head, dataPointType: DataPointType.HISTOGRAM, dataPoints: family.points.map((point) => ({ ...times, attributes: { ...point.attributes }, value: histogramValue(point) })) };
    }
    const dataPoints = family.points.map(({ attributes, value }) => ({ ...times, attributes: { ...attributes }, value }));
    if (family.type === 'gauge') return { ...head, dataPointType: DataPointType.GAUGE, dataPoints };
    return { ...head, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
  });
}

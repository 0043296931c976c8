import type { LatencyHistogram } from '../histograms/latency-histogram.ts';

/** What tells the series of one family apart. Never a tenant, a name or a key: those belong to customers. */
export type MetricAttributes = Readonly<Record<string, string | number>>;

export interface MetricPoint {
  readonly attributes: MetricAttributes;
  readonly value: number;
}

export interface HistogramPoint {
  readonly attributes: MetricAttributes;
  readonly histogram: LatencyHistogram;
}

interface FamilyHead {
  /** Dotted, as OpenTelemetry's semantic conventions have it. */
  readonly name: string;
  readonly description: string;
  /** By UCUM: `s`, `By`, or in braces what is counted, such as `{vector}`. */
  readonly unit: string;
}

/** A counter only grows while its process lives; a gauge goes where it wants. */
export type MetricFamily =
  | (FamilyHead & { readonly type: 'gauge' | 'counter'; readonly points: readonly MetricPoint[] })
  | (FamilyHead & { readonly type: 'histogram'; readonly points: readonly HistogramPoint[] });

/** Asked at every scrape and export: it must be cheap, and must not throw. */
export type MetricSource = () => readonly MetricFamily[];

/** A gauge with one point. */
export function gauge(name: string, unit: string, description: string, value: number, attributes: MetricAttributes = {}): MetricFamily {
  return { type: 'gauge', name, unit, description, points: [{ attributes, value }] };
}

/** What all instances of a cluster did, as one answer. */
import { METRICS_SERVICES, REPORTED_OPERATIONS, type EmbeddingCode, type MetricsFigures, type MetricsSummary, type ReportedFigures, type ReportedFiguresByOperation } from '@shoal/protocol';
import { percentileOf, type PercentileEstimate } from '../histograms/latency-histogram.ts';
import { TELEMETRY_LIMITS } from '../limits.ts';
import type { KnownInstance } from './cluster-reports.ts';
import { NO_FIGURES, addFigures, countOfFigures, subtractFigures } from './report-sums.ts';

/** Whose the embedding of a code is, where that is known. */
export type NameEmbedding = (code: EmbeddingCode) => { readonly tenant: string; readonly name: string } | undefined;

interface Part {
  readonly total: ReportedFiguresByOperation;
  /** What was done in `recentMs`; of an instance that is gone, nothing. */
  readonly recent: ReportedFiguresByOperation;
  readonly recentMs: number;
}

export function metricsSummary(instances: readonly KnownInstance[], nameOf: NameEmbedding): MetricsSummary {
  const gateways = instances.filter(({ latest }) => latest.report.service === 'gateway');
  return {
    operations: figuresOf(gateways.map((instance) => partOf(instance, (report) => report.operations))),
    services: METRICS_SERVICES.flatMap((service) => {
      const own = instances.filter(({ latest }) => latest.report.service === service);
      if (own.length === 0) return [];
      const retiredInstances = own.filter(({ retired }) => retired).length;
      return [{ service, instances: own.length - retiredInstances, retiredInstances, operations: figuresOf(own.map((instance) => partOf(instance, (report) => report.operations))) }];
    }),
    embeddings: embeddingsOf(gateways, instances, nameOf),
  };
}

function embeddingsOf(gateways: readonly KnownInstance[], instances: readonly KnownInstance[], nameOf: NameEmbedding): MetricsSummary['embeddings'] {
  const codes = new Set(gateways.flatMap(({ latest }) => latest.report.embeddings.map(({ code }) => code)));
  const all = [...codes].map((code) => {
    const operations = figuresOf(gateways.map((instance) => partOf(instance, (report) => report.embeddings.find((one) => one.code === code)?.operations)));
    return { code, operations, count: operations.reduce((sum, { count, errorCount }) => sum + count + errorCount, 0) };
  });
  all.sort((a, b) => b.count - a.count || a.code - b.code);
  return all.slice(0, TELEMETRY_LIMITS.shownEmbeddings).map(({ code, operations }) => {
    const recall = recallOf(instances, code);
    return { code, ...nameOf(code), operations, ...(recall === undefined ? {} : { recall }) };
  });
}

/** The recall of an embedding over all searches that were run again; undefined without any. */
export function recallOf(instances: readonly KnownInstance[], code: EmbeddingCode): { readonly recall: number; readonly searches: number } | undefined {
  const sampled = instances.flatMap(({ latest }) => latest.report.recall.filter((one) => one.code === code));
  const expected = sampled.reduce((sum, one) => sum + one.expected, 0);
  if (expected === 0) return undefined;
  return { recall: sampled.reduce((sum, one) => sum + one.found, 0) / expected, searches: sampled.reduce((sum, one) => sum + one.searches, 0) };
}

function partOf({ latest, before, retired }: KnownInstance, pick: (report: KnownInstance['latest']['report']) => ReportedFiguresByOperation | undefined): Part {
  const total = pick(latest.report) ?? {};
  const earlier = before === undefined ? undefined : pick(before.report);
  // What was not among the busiest then has done something before, nobody knows how much.
  if (retired || before === undefined || (earlier === undefined && before.report.embeddings.length >= TELEMETRY_LIMITS.shownEmbeddings)) return { total, recent: {}, recentMs: 0 };
  return { total, recent: subtractFigures(total, earlier ?? {}), recentMs: latest.heardAtMs - before.heardAtMs };
}

function figuresOf(parts: readonly Part[]): MetricsFigures[] {
  const totals = addFigures(parts.map(({ total }) => total));
  const recents = addFigures(parts.map(({ recent }) => recent));
  return REPORTED_OPERATIONS.flatMap((operation): MetricsFigures[] => {
    const figures = totals[operation];
    if (figures === undefined) return [];
    // Every instance has its own window, so rates are added, not counts.
    const perSecond = parts.reduce((sum, { recent, recentMs }) => sum + (recentMs > 0 ? (countOfFigures(recent[operation] ?? NO_FIGURES) * 1_000) / recentMs : 0), 0);
    const latency = latencyOf(figures);
    const latencyLastMinute = latencyOf(recents[operation] ?? NO_FIGURES);
    return [{
      operation,
      count: countOfFigures(figures),
      errorCount: Object.values(figures.errors).reduce((sum, count) => sum + count, 0),
      errors: figures.errors,
      perSecond,
      ...(latency === undefined ? {} : { latency }),
      ...(latencyLastMinute === undefined ? {} : { latencyLastMinute }),
      buckets: figures.buckets,
    }];
  });
}

function latencyOf(figures: ReportedFigures): MetricsFigures['latency'] {
  const count = countOfFigures(figures);
  const [p50, p95, p99] = [50, 95, 99].map((percent) => percentileOf(figures, percent));
  if (p50 === undefined || p95 === undefined || p99 === undefined) return undefined;
  return { meanMs: figures.sumNs / count / 1e6, p50: inMs(p50), p95: inMs(p95), p99: inMs(p99) };
}

function inMs({ estimateUs, lowerUs, upperUs }: PercentileEstimate) {
  return { estimateMs: estimateUs / 1_000, lowerMs: lowerUs / 1_000, ...(Number.isFinite(upperUs) ? { upperMs: upperUs / 1_000 } : {}) };
}

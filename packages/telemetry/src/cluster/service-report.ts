import type { MetricsReport, ReportedEmbedding, ReportedFigures, ReportedFiguresByOperation, ReportedOperation } from '@shoal/protocol';
import { countOf } from '../histograms/latency-histogram.ts';
import { OPERATIONS, OPERATION_NAMES, type OperationSnapshots } from '../histograms/operation-metrics.ts';
import { TELEMETRY_LIMITS } from '../limits.ts';
import type { ProcessIdentity } from '../meter/process-telemetry.ts';
import type { ServiceMeter } from '../meter/service-meter.ts';

function figuresOf(snapshots: OperationSnapshots): ReportedFiguresByOperation {
  return Object.fromEntries(OPERATIONS.flatMap((operation): (readonly [ReportedOperation, ReportedFigures])[] => {
    const { latency, errors } = snapshots[operation];
    if (countOf(latency) === 0 && Object.keys(errors).length === 0) return [];
    const sumNs = Math.min(latency.sumNs, Number.MAX_SAFE_INTEGER);
    return [[OPERATION_NAMES[operation], { buckets: latency.buckets, sumNs, errors: errors as Readonly<Record<string, number>> }]];
  }));
}

/** Everything that a service counted since it started. */
export function reportOf(meter: ServiceMeter, { instance, startedAtMs }: ProcessIdentity, count: number): MetricsReport {
  const embeddings = meter.embeddings.busiest(TELEMETRY_LIMITS.shownEmbeddings).map(({ code, operations }): ReportedEmbedding => ({ code, operations: figuresOf(operations) }));
  return { service: meter.service, instance, startedAtMs: Math.floor(startedAtMs), count, operations: figuresOf(meter.operations.snapshot()), embeddings, recall: meter.recall() };
}

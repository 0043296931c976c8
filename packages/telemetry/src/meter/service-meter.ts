import type { EmbeddingCode, ErrorCode, ReportedRecall } from '@shoal/protocol';
import { ConcurrentMetrics } from '../histograms/concurrent-metrics.ts';
import { OPERATIONS, OPERATION_NAMES, type Operation, type OperationSnapshots } from '../histograms/operation-metrics.ts';
import { countOf } from '../histograms/latency-histogram.ts';
import { TELEMETRY_LIMITS } from '../limits.ts';
import { EmbeddingMeters } from './embedding-meters.ts';
import { RecallMeter } from './recall-meter.ts';
import type { HistogramPoint, MetricFamily, MetricPoint, MetricSource } from './metric-family.ts';

export const SERVICES = ['gateway', 'shard'] as const;
export type Service = (typeof SERVICES)[number];

/**
 * What one service of this process measures: its operations, altogether and by embedding, and the gauges that its parts add.
 * A meter that is off records nothing and costs one comparison.
 */
export class ServiceMeter {
  readonly service: Service;
  readonly operations = new ConcurrentMetrics();
  readonly embeddings = new EmbeddingMeters(TELEMETRY_LIMITS.countedEmbeddings);
  readonly recallMeter = new RecallMeter();
  readonly on: boolean;
  readonly #sources: MetricSource[] = [];

  constructor(service: Service, options: { readonly on: boolean } = { on: true }) {
    this.service = service;
    this.on = options.on;
  }

  /** Counts `count` operations that succeeded after this long each. */
  record(operation: Operation, durationUs: number, count: number, code?: EmbeddingCode): void {
    if (!this.on || count <= 0) return;
    this.operations.record(operation, durationUs, count);
    if (code !== undefined) this.embeddings.of(code)?.record(operation, durationUs, count);
  }

  recordError(operation: Operation, error: ErrorCode, count: number, code?: EmbeddingCode): void {
    if (!this.on || count <= 0) return;
    this.operations.recordError(operation, error, count);
    if (code !== undefined) this.embeddings.of(code)?.recordError(operation, error, count);
  }

  recall(): readonly ReportedRecall[] {
    return this.recallMeter.counts();
  }

  addSource(source: MetricSource): void {
    this.#sources.push(source);
  }

  /** Everything that is exported. */
  families(): readonly MetricFamily[] {
    const head = { 'shoal.service': this.service };
    const total = this.operations.snapshot();
    const byEmbedding = this.embeddings.busiest(TELEMETRY_LIMITS.shownEmbeddings).map(({ code, operations }) => ({ head: { ...head, 'shoal.embedding.code': String(code) }, operations }));
    return [
      {
        type: 'histogram', name: 'shoal.operation.duration', unit: 's', description: 'Duration of operations that succeeded.',
        points: durations(total, head),
      },
      { type: 'counter', name: 'shoal.operation.errors', unit: '{operation}', description: 'Operations that failed, by the code of their error.', points: errors(total, head) },
      {
        type: 'histogram', name: 'shoal.embedding.operation.duration', unit: 's', description: 'The same by embedding, for those with the most operations.',
        points: byEmbedding.flatMap((one) => durations(one.operations, one.head)),
      },
      ...this.recallMeter.families(),
      ...this.#sources.flatMap((source) => source()),
    ];
  }
}

type Head = Readonly<Record<string, string>>;

/** Operation types that never happened here are left out, except the three of vectors: a rate of nothing is 0, not absent. */
function durations(snapshots: OperationSnapshots, head: Head): readonly HistogramPoint[] {
  return OPERATIONS.flatMap((operation) => {
    const { latency } = snapshots[operation];
    if (countOf(latency) === 0 && (!operation.startsWith('Vector') || 'shoal.embedding.code' in head)) return [];
    return [{ attributes: { ...head, 'shoal.operation': OPERATION_NAMES[operation] }, histogram: latency }];
  });
}

function errors(snapshots: OperationSnapshots, head: Head): readonly MetricPoint[] {
  return OPERATIONS.flatMap((operation) => Object.entries(snapshots[operation].errors).map(([code, value]) => (
    { attributes: { ...head, 'shoal.operation': OPERATION_NAMES[operation], 'error.type': code }, value }
  )));
}

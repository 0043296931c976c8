/** Traces, metrics and log lines of this process, sent as OTLP over HTTP (JSON) by OpenTelemetry's SDK. Loaded only where something is sent. */
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader, type MetricProducer } from '@opentelemetry/sdk-metrics';
import { AlwaysOffSampler, AlwaysOnSampler, BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider, type Sampler } from '@opentelemetry/sdk-trace';
import { TELEMETRY_LIMITS } from '../limits.ts';
import type { ProcessTelemetry } from '../meter/process-telemetry.ts';
import { metricDataOf } from '../prometheus/metric-data.ts';
import { logRecordOf } from './log-lines.ts';
import type { OtlpExport, OtlpExportOptions } from './open-otlp-export.ts';
import type { OtlpSettings } from './otlp-settings.ts';
import { SpanTracing } from './span-tracing.ts';

const SCOPE = { name: 'shoal' };
const EXPORT = { timeoutMillis: TELEMETRY_LIMITS.exportTimeoutMs } as const;

function samplerOf({ sampler, ratio }: OtlpSettings): Sampler {
  switch (sampler) {
    case 'always_on': return new AlwaysOnSampler();
    case 'always_off': return new AlwaysOffSampler();
    case 'traceidratio': return new TraceIdRatioBasedSampler(ratio);
    case 'parentbased_always_on': return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case 'parentbased_always_off': return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio': return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  }
}

function tracerProvider(settings: OtlpSettings, resource: Resource): TracerProvider {
  const { queuedSpans: maxQueueSize, spansPerExport: maxExportBatchSize, spanDelayMs: scheduledDelayMillis, exportTimeoutMs: exportTimeoutMillis, linksPerSpan: linkCountLimit } = TELEMETRY_LIMITS;
  const exporter = new OTLPTraceExporter({ url: `${settings.endpoint}/v1/traces`, ...EXPORT });
  const processor = new BatchSpanProcessor({ exporter, maxQueueSize, maxExportBatchSize, scheduledDelayMillis, exportTimeoutMillis });
  return new TracerProvider({ resource, sampler: samplerOf(settings), spanLimits: { linkCountLimit }, spanProcessors: [processor] });
}

/** The same families as `/metrics`, with the names of OpenTelemetry. */
function producerOf(telemetry: ProcessTelemetry, resource: Resource, nowMs: () => number): MetricProducer {
  return {
    async collect() {
      const metrics = metricDataOf(telemetry.families().filter(({ points }) => points.length > 0), telemetry.identity.startedAtMs, nowMs());
      return { resourceMetrics: { resource, scopeMetrics: [{ scope: SCOPE, metrics }] }, errors: [] };
    },
  };
}

function meterProvider({ endpoint, metricsIntervalMs }: OtlpSettings, resource: Resource, producer: MetricProducer): MeterProvider {
  const exporter = new OTLPMetricExporter({ url: `${endpoint}/v1/metrics`, ...EXPORT });
  const reader = new PeriodicExportingMetricReader({
    exporter, metricProducers: [producer], exportIntervalMillis: metricsIntervalMs, exportTimeoutMillis: Math.min(metricsIntervalMs, TELEMETRY_LIMITS.exportTimeoutMs),
  });
  return new MeterProvider({ resource, readers: [reader] });
}

function loggerProvider({ endpoint }: OtlpSettings, resource: Resource): LoggerProvider {
  const { queuedLogs: maxQueueSize, logsPerExport: maxExportBatchSize, logDelayMs: scheduledDelayMillis, exportTimeoutMs: exportTimeoutMillis, logAttributes, logAttributeChars } = TELEMETRY_LIMITS;
  const exporter = new OTLPLogExporter({ url: `${endpoint}/v1/logs`, ...EXPORT });
  const processor = new BatchLogRecordProcessor({ exporter, maxQueueSize, maxExportBatchSize, scheduledDelayMillis, exportTimeoutMillis });
  return new LoggerProvider({ resource, logRecordLimits: { attributeCountLimit: logAttributes, attributeValueLengthLimit: logAttributeChars }, processors: [processor] });
}

export function startOtlpExport(settings: OtlpSettings, { service, telemetry, nowMs, onFailure }: OtlpExportOptions): OtlpExport {
  const { instance, version } = telemetry.identity;
  const resource = resourceFromAttributes({ 'service.namespace': 'shoal', 'service.name': `shoal-${service}`, 'service.instance.id': instance, 'service.version': version });
  let reportedAtMs = Number.NEGATIVE_INFINITY;
  // While a receiver is away every export fails; once in a while is enough.
  const report = (message: string): void => {
    if (nowMs() - reportedAtMs < TELEMETRY_LIMITS.exportFailureMs) return;
    reportedAtMs = nowMs();
    onFailure(message);
  };
  const quiet = (): void => undefined;
  diag.setLogger({ error: report, warn: report, info: quiet, debug: quiet, verbose: quiet }, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const traces = tracerProvider(settings, resource);
  const metrics = telemetry.on ? meterProvider(settings, resource, producerOf(telemetry, resource, nowMs)) : undefined;
  const logs = settings.sendsLogs ? loggerProvider(settings, resource) : undefined;
  const log = logs?.getLogger(SCOPE.name, version);
  return {
    tracing: new SpanTracing(traces.getTracer(SCOPE.name, version)),
    logLine(line) {
      const record = log === undefined ? undefined : logRecordOf(line);
      if (record !== undefined) log?.emit(record);
    },
    async close() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, TELEMETRY_LIMITS.exportCloseMs).unref());
      const ended = Promise.allSettled([traces.shutdown(), metrics?.shutdown(), logs?.shutdown()]).then((results) => {
        for (const result of results) if (result.status === 'rejected') report(String(result.reason));
      });
      await Promise.race([ended, late]);
    },
  };
}

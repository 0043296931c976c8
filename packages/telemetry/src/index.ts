export * from './histograms/index.ts';
export * from './limits.ts';
export * from './meter/metric-family.ts';
export { EmbeddingMeters, type MeasuredEmbedding } from './meter/embedding-meters.ts';
export { SERVICES, ServiceMeter, type Service } from './meter/service-meter.ts';
export { ProcessTelemetry, type ProcessIdentity } from './meter/process-telemetry.ts';
export { parseMetricsSettings, type MetricsSettings } from './metrics-settings.ts';
export { listenForScrapes, type ListenerOptions, type MetricsListener } from './prometheus/metrics-listener.ts';

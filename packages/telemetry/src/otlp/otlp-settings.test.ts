import { expect, it } from 'vitest';
import { parseOtlpSettings } from './otlp-settings.ts';

it('sends nothing unless it is told where', () => {
  expect(parseOtlpSettings({ OTEL_TRACES_SAMPLER: 'always_on' })).toBeUndefined();
});

it('reads the variables of OpenTelemetry', () => {
  expect(parseOtlpSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' })).toEqual({ endpoint: 'http://collector:4318', sampler: 'parentbased_always_on', ratio: 1, metricsIntervalMs: 60_000, sendsLogs: true });
  expect(parseOtlpSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://x/otlp', OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '.25', OTEL_METRIC_EXPORT_INTERVAL: '5000', OTEL_LOGS_EXPORTER: 'none' }))
    .toEqual({ endpoint: 'https://x/otlp', sampler: 'parentbased_traceidratio', ratio: 0.25, metricsIntervalMs: 5_000, sendsLogs: false });
});

it.each([
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'], ['OTEL_EXPORTER_OTLP_ENDPOINT', 'nothing'], ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
  ['OTEL_TRACES_SAMPLER_ARG', '1.5'], ['OTEL_TRACES_SAMPLER_ARG', '-1'], ['OTEL_METRIC_EXPORT_INTERVAL', '10'], ['OTEL_LOGS_EXPORTER', 'console'],
])('refuses %s=%s by name', (name, value) => {
  expect(() => parseOtlpSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', [name]: value })).toThrow(expect.objectContaining({ code: 'invalid_configuration', field: name }));
});

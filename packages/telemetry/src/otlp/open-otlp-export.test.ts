import { expect, it } from 'vitest';
import { ProcessTelemetry } from '../meter/process-telemetry.ts';
import { openOtlpExport } from './open-otlp-export.ts';

it('does nothing without settings', async () => {
  const telemetry = new ProcessTelemetry({ instance: 'i', startedAtMs: 0, version: '0' }, { on: false });
  expect(await openOtlpExport(undefined, { service: 'node', telemetry, nowMs: Date.now, onFailure: () => undefined })).toBeUndefined();
});

it('loses what a receiver does not take, says so, and ends all the same', async () => {
  const telemetry = new ProcessTelemetry({ instance: 'i', startedAtMs: 0, version: '0' }, { on: false });
  const failures: string[] = [];
  // Nobody listens on port 1.
  const settings = { endpoint: 'http://127.0.0.1:1', sampler: 'always_on', ratio: 1, metricsIntervalMs: 60_000, sendsLogs: true } as const;
  const otlp = await openOtlpExport(settings, { service: 'node', telemetry, nowMs: Date.now, onFailure: (message) => failures.push(message) });
  const span = otlp?.tracing.request('GET /', undefined, {});
  expect(span?.parent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  span?.end();
  otlp?.logLine('{"level":30,"time":1,"msg":"lost"}\n');
  await otlp?.close();
  expect(failures).toHaveLength(1);
});

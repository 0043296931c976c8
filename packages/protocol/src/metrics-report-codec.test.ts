import { describe, expect, test } from 'vitest';
import { decodeMetricsReport, encodeMetricsReport } from './metrics-report-codec.ts';
import type { MetricsReport } from './metrics-report.ts';
import { refusal, testDamageIsRefused } from './testing/damage.ts';
import { sampleReport } from './testing/samples.ts';

describe('reports of metrics', () => {
  test('of a newer service may have more members and operations', () => {
    const figures = sampleReport.operations.vector_search;
    const newer = { ...sampleReport, colour: 'red', operations: { ...sampleReport.operations, vector_dream: figures } };
    expect(decodeMetricsReport(encodeMetricsReport(newer))).toEqual(sampleReport);
  });

  test('without a member, or with an impossible one, are refused', () => {
    const refuse = (report: object): void => {
      expect(refusal(decodeMetricsReport, encodeMetricsReport(report as MetricsReport)), JSON.stringify(report)).toBe('corrupt_message');
    };
    for (const member of Object.keys(sampleReport)) refuse({ ...sampleReport, [member]: undefined });
    refuse({ ...sampleReport, service: 'teapot' });
    refuse({ ...sampleReport, instance: 'x'.repeat(65) });
    refuse({ ...sampleReport, count: -1 });
    refuse({ ...sampleReport, operations: { vector_search: { buckets: [1], sumNs: 0, errors: {} } } });
    refuse({ ...sampleReport, embeddings: [{ code: 0, operations: {} }] });
    refuse([]);
  });

  testDamageIsRefused({
    messages: [encodeMetricsReport(sampleReport)],
    decode: decodeMetricsReport,
    code: 'corrupt_message',
    resealedCodes: ['corrupt_message', 'unsupported_version'],
  });
});

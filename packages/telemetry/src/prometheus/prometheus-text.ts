/** The families of a process in the text format that Prometheus scrapes. */
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { MetricFamily } from '../meter/metric-family.ts';
import type { ProcessIdentity } from '../meter/process-telemetry.ts';
import { metricDataOf } from './metric-data.ts';

export const PROMETHEUS_MEDIA_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Units that become part of a name, as the compatibility rules of OpenTelemetry and Prometheus say. */
const UNIT_NAMES: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes', 1: 'ratio' };

/** With the unit in the name, as a collector would export it. */
function withUnit(family: MetricFamily): MetricFamily {
  const unit = UNIT_NAMES[family.unit];
  if (unit === undefined) return { ...family, unit: '' };
  return { ...family, name: `${family.name}.${unit}`, unit: '' };
}

export function prometheusText(families: readonly MetricFamily[], { instance, version, startedAtMs }: ProcessIdentity, nowMs: number): string {
  const resource = resourceFromAttributes({ 'service.namespace': 'shoal', 'service.instance.id': instance, 'service.version': version });
  const metrics = metricDataOf(families.filter(({ points }) => points.length > 0).map(withUnit), startedAtMs, nowMs);
  const serializer = new PrometheusSerializer('', false, undefined, false, true);
  const text = serializer.serialize({ resource, scopeMetrics: [{ scope: { name: 'shoal' }, metrics }] });
  return text.endsWith('\n') ? text : `${text}\n`;
}

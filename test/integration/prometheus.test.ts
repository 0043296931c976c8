/** What operators are given for Prometheus, Grafana and a collector, held against their tools and against a cluster that runs. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { MetricsFigures, MetricsSummary } from '@shoal/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { Prometheus, promtool } from '../harness/prometheus.ts';
import { suiteCluster } from '../harness/suite-cluster.ts';

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url));
const yamlOf = (path: string): Record<string, unknown> => parse(readFileSync(`${deploy}/${path}`, 'utf8')) as Record<string, unknown>;
const suite = suiteCluster({ shardCount: 2, gatewayCount: 2, slots: 8, settings: { SHOAL_RECALL_SHARE: '1', SHOAL_METRICS_PORT: '0' } });
const SEARCHES = 120;

/** Where each process serves its metrics: a free port, which its log names. */
function scrapeAddresses(): readonly string[] {
  return suite.cluster.processes.map(({ name, output }) => {
    const address = /"url":"http:\/\/([^"]+)","msg":"metrics are served"/.exec(output)?.[1];
    if (address === undefined) throw new Error(`${name} does not say where its metrics are:\n${output}`);
    return address;
  });
}

let prometheus: Prometheus;

beforeAll(async () => {
  prometheus = await Prometheus.start(scrapeAddresses());
});
afterAll(() => prometheus?.close());

const figuresOf = (figures: MetricsSummary['operations'], operation: string): MetricsFigures | undefined => figures.find((one) => one.operation === operation);

describe('a Prometheus that scrapes the cluster', () => {
  it('computes the counts, buckets and quantiles of /v1/metrics/summary', async () => {
    const { cluster } = suite;
    const { handle } = await cluster.client().register({ name: 'scraped', model: 'm', dim: 4, distance: 'l2', partitions: 4 });
    await handle.upsert(Array.from({ length: 100 }, (_, index) => ({ key: `k${index}`, values: [index, 1, 2, 3] })), { wait: 'applied' });
    await handle.delete(['k1'], { wait: 'applied' });
    for (let index = 0; index < SEARCHES; index += 1) await cluster.client(index % 2).embedding('scraped').search({ vector: [index, 0, 0, 0], k: 3 });
    await expect(cluster.client().embedding('scraped').search({ vector: [1], k: 3 })).rejects.toMatchObject({ code: 'dimension_mismatch' });

    await vi.waitFor(async () => {
      const summary = await cluster.client().metrics();
      const sums = [
        { service: 'gateway', figures: summary.operations },
        ...summary.services.map(({ service, operations }) => ({ service, figures: operations })),
      ];
      expect(figuresOf(summary.operations, 'vector_search')?.count).toBe(SEARCHES);
      expect(figuresOf(summary.operations, 'vector_insert')?.count).toBe(100);
      for (const { service, figures } of sums) {
        for (const { operation, count, buckets, latency } of figures) {
          const of = `{shoal_service="${service}", shoal_operation="${operation}"}`;
          expect(await prometheus.value(`sum(shoal_operation_duration_seconds_count${of})`), `${service} ${operation}`).toBe(count);
          const cumulative = buckets.map((_, bucket) => buckets.slice(0, bucket + 1).reduce((sum, one) => sum + one, 0));
          const scraped = [...(await prometheus.query(`sort(sum by (le) (shoal_operation_duration_seconds_bucket${of}))`)).values()];
          expect(scraped).toEqual(cumulative);
          for (const [name, quantile] of [['p50', 0.5], ['p95', 0.95], ['p99', 0.99]] as const) {
            const { estimateMs, lowerMs, upperMs = Number.POSITIVE_INFINITY } = latency?.[name] ?? { estimateMs: Number.NaN, lowerMs: Number.NaN };
            const ms = (await prometheus.value(`histogram_quantile(${quantile}, sum by (le) (shoal_operation_duration_seconds_bucket${of}))`)) * 1_000;
            // Prometheus lets a quantile fall between two operations, and so on the bound between two buckets; half a bucket more is what that can be.
            expect(ms, `${service} ${operation} ${name}, here ${estimateMs}`).toBeGreaterThanOrEqual(lowerMs * 0.5);
            expect(ms, `${service} ${operation} ${name}, here ${estimateMs}`).toBeLessThanOrEqual(upperMs);
          }
        }
      }
    }, { timeout: 60_000, interval: 1_000 });
  });

  it('finds every name that rules and dashboard use', async () => {
    const { rules } = (yamlOf('prometheus/alerts.yml')['groups'] as readonly { rules: readonly { expr: string }[] }[])[0] ?? { rules: [] };
    const dashboard = JSON.parse(readFileSync(`${deploy}/grafana/dashboards/shoal.json`, 'utf8')) as { panels: readonly { targets: readonly { expr: string }[] }[] };
    const expressions = [...rules.map(({ expr }) => expr), ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))];
    expect(expressions.length).toBeGreaterThan(25);
    const names = new Set(expressions.flatMap((expression) => expression.replaceAll(/\{[^}]*\}|by \([^)]*\)/g, '').match(/\b(?:shoal|nodejs|process|v8js)_\w+/g) ?? []));
    await vi.waitFor(async () => {
      for (const name of names) expect((await prometheus.query(name)).size, name).toBeGreaterThan(0);
    }, { timeout: 30_000, interval: 1_000 });
    // What a panel asks is an expression that Prometheus understands.
    for (const expression of expressions) await prometheus.query(expression.replaceAll('$__rate_interval', '1m'));
  });

  it('is told the type of each family once', async () => {
    const text = await (await fetch(`http://${scrapeAddresses()[0]}/metrics`)).text();
    expect(text.split('\n').filter((line) => line.startsWith('# TYPE')).length).toBe(new Set(text.split('\n').filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2])).size);
  });
});

describe('the files in deploy', () => {
  it('pass promtool: configuration, rules, and the tests of the rules', async () => {
    const directory = `${deploy}/prometheus`;
    expect(await promtool(['check', 'config', 'prometheus.yml'], directory)).toContain('SUCCESS');
    expect(await promtool(['check', 'rules', 'alerts.yml'], directory)).toContain('SUCCESS');
    expect(await promtool(['test', 'rules', 'alerts.test.yml'], directory)).toContain('SUCCESS');
  });

  it('have a collector whose pipelines name what it has', () => {
    const { service, ...parts } = yamlOf('otel/collector.yml') as { service: { extensions: readonly string[]; pipelines: Record<string, Record<string, readonly string[]>> } } & Record<string, Record<string, unknown>>;
    for (const [pipeline, kinds] of Object.entries(service.pipelines)) {
      for (const [kind, names] of Object.entries(kinds)) for (const name of names) expect(Object.keys(parts[kind] ?? {}), `${pipeline} ${kind}`).toContain(name);
    }
    expect(Object.keys(parts['extensions'] ?? {})).toEqual(service.extensions);
    expect(Object.keys(service.pipelines).sort()).toEqual(['logs', 'metrics', 'traces']);
  });

  it('have a dashboard whose panels have places of their own and the provisioned source', () => {
    const source = (yamlOf('grafana/provisioning/datasources/prometheus.yml')['datasources'] as readonly { uid: string }[])[0]?.uid;
    const { panels } = JSON.parse(readFileSync(`${deploy}/grafana/dashboards/shoal.json`, 'utf8')) as { panels: readonly { id: number; title: string; datasource: { uid: string }; gridPos: { x: number; y: number; w: number; h: number } }[] };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ gridPos: { x, y } }) => `${x},${y}`)).size).toBe(panels.length);
    for (const { datasource, gridPos, title } of panels) {
      expect(datasource.uid, title).toBe(source);
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    }
  });
});

/** `shoal metrics`: what the whole cluster did, as tables. */
import type { MetricsFigures, MetricsSummary } from '@shoal/client';
import type { Command } from 'commander';
import type { CliSystem } from '../cli-system.ts';
import { addConnectionOptions, connectionOf } from '../connection-options.ts';
import { connect } from '../connection.ts';
import { formatCount } from '../text/quantities.ts';
import { shorten, textTable, type Column } from '../text/text-table.ts';

const right = (title: string): Column => ({ title, align: 'right' });
const COLUMNS = [right('count'), right('per s'), right('errors'), right('mean ms'), right('p50 ms'), right('p95 ms'), right('p99 ms')];

type Percentile = NonNullable<MetricsFigures['latency']>['p50'];

/** An estimate with the bounds of its bucket: `1.52 (1.02-2.05)`. */
function percentileText({ estimateMs, lowerMs, upperMs }: Percentile): string {
  return upperMs === undefined ? `over ${lowerMs.toFixed(0)}` : `${estimateMs.toFixed(2)} (${lowerMs.toFixed(2)}-${upperMs.toFixed(2)})`;
}

function cellsOf({ count, perSecond, errorCount, latency }: MetricsFigures): readonly string[] {
  const times = latency === undefined ? ['-', '-', '-', '-'] : [latency.meanMs.toFixed(2), ...[latency.p50, latency.p95, latency.p99].map(percentileText)];
  return [formatCount(count), perSecond.toFixed(1), formatCount(errorCount), ...times];
}

function summaryText({ operations, services, embeddings }: MetricsSummary): string {
  const cluster = textTable([{ title: 'operation' }, ...COLUMNS], operations.map((figures) => [figures.operation, ...cellsOf(figures)]));
  const byService = services.flatMap((service) => service.operations.map((figures) => [`${service.service} (${service.instances} + ${service.retiredInstances} ended)`, figures.operation, ...cellsOf(figures)]));
  const byEmbedding = embeddings.flatMap((embedding) => embedding.operations.map((figures) => [
    embedding.name === undefined ? `code ${embedding.code}` : shorten(`${embedding.tenant}/${embedding.name}`, 40), figures.operation,
    embedding.recall === undefined ? '-' : `${embedding.recall.recall.toFixed(4)} (${formatCount(embedding.recall.searches)})`, ...cellsOf(figures),
  ]));
  return [
    'cluster, since its processes started; percentiles are estimates with the bounds of their bucket', cluster,
    textTable([{ title: 'service' }, { title: 'operation' }, ...COLUMNS], byService),
    textTable([{ title: 'embedding' }, { title: 'operation' }, right('recall (searches)'), ...COLUMNS], byEmbedding),
  ].join('\n');
}

export function addMetricsCommand(program: Command, system: CliSystem): void {
  const command = program.command('metrics').description('show what the whole cluster did: counts, rates, percentiles').option('--json', 'print JSON', false);
  addConnectionOptions(command, true).action(async (options: { readonly json: boolean }) => {
    const { client } = await connect(connectionOf(command), system);
    const summary = await client.metrics({ signal: system.interrupt });
    system.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : summaryText(summary));
  });
}

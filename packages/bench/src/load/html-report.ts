import { blocksToHtml, groupedNumber, reportPage, tilesHtml, type Tile } from '../charts/index.ts';
import type { BenchResult } from './concurrent-benchmark.ts';
import { resultCharts } from './result-charts.ts';
import { comparisonBlocks } from './result-comparison.ts';
import { reportBlocks, settingsBlocks } from './report-text.ts';

function tilesOf({ searches, inserts, recall }: BenchResult): readonly Tile[] {
  const latency = (value: number | undefined): string => (value === undefined ? '-' : `${groupedNumber(value, value < 100 ? 1 : 0)} ms`);
  return [
    { name: 'searches per second', value: groupedNumber(searches.itemsPerSecond) },
    { name: 'search p99', value: latency(searches.latency?.p99Ms) },
    { name: `recall@${recall?.k ?? '-'} under load`, value: recall === undefined ? '-' : recall.mean.toFixed(4) },
    { name: 'vectors applied per second', value: groupedNumber(inserts.itemsPerSecond) },
    { name: 'insert p99, until applied', value: latency(inserts.latency?.p99Ms) },
  ];
}

/** A result as one page with plots, beside an earlier one where there is one; it loads nothing from elsewhere. */
export function htmlReport(result: BenchResult, earlier?: BenchResult): string {
  return reportPage({
    title: `shoal bench: ${result.config.preset}`,
    parts: [
      blocksToHtml(settingsBlocks(result)), tilesHtml(tilesOf(result)),
      `<section>${blocksToHtml(reportBlocks(result))}</section>`,
      earlier === undefined ? '' : `<section>${blocksToHtml(comparisonBlocks(earlier, result))}</section>`,
      ...resultCharts(result, earlier),
    ],
  });
}

/** What a report says in words and tables, for Markdown and HTML alike. */
import { groupedNumber, type ReportBlock, type ReportCell } from '../charts/index.ts';
import type { BenchResult, OperationResult } from './concurrent-benchmark.ts';
import { SEED_TARGETS } from './seed-targets.ts';

const ms = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(2));

function operationRow(name: string, { itemCount, itemsPerSecond, latency, errors }: OperationResult): readonly ReportCell[] {
  const failures = Object.entries(errors).map(([code, count]) => `${count} ${code}`).join(', ');
  return [name, String(itemCount), itemsPerSecond.toFixed(0), ms(latency?.p50Ms), ms(latency?.p95Ms), ms(latency?.p99Ms), ms(latency?.maxMs), failures === '' ? '0' : { text: failures, isGood: false }];
}

function operationsBlock({ searches, inserts }: BenchResult): ReportBlock {
  const columns = ['operation', 'count', 'per second', 'p50 ms', 'p95 ms', 'p99 ms', 'longest ms', 'errors'].map((name, index) => ({ name, isText: index === 0 }));
  return { type: 'table', columns, rows: [operationRow('search', searches), operationRow('insert, until applied', inserts)] };
}

/** The measured figures beside those that the seed system aimed at; nothing for a custom load, which has no targets. */
function targetBlocks({ config, inserts, searches }: BenchResult): readonly ReportBlock[] {
  if (config.preset === 'custom') return [];
  const target = SEED_TARGETS[config.preset];
  const row = (name: string, wanted: number, measured: number | undefined, digits: number, isMoreBetter: boolean): readonly ReportCell[] => {
    if (measured === undefined) return [name, String(wanted), '-', '-', { text: 'not measured', isGood: false }];
    const factor = isMoreBetter ? measured / wanted : wanted / measured;
    return [name, String(wanted), measured.toFixed(digits), `${factor.toFixed(2)}x`, factor > 1 ? { text: 'yes', isGood: true } : { text: 'no', isGood: false }];
  };
  const columns = [{ name: `${config.preset}, against the seed system`, isText: true }, { name: 'target' }, { name: 'measured' }, { name: 'better by' }, { name: 'exceeded', isText: true }];
  return [{
    type: 'table', columns, rows: [
      row('inserts/s', target.insertsPerSecond, inserts.itemsPerSecond, 0, true),
      row('searches/s', target.searchesPerSecond, searches.itemsPerSecond, 0, true),
      row('insert p99, ms', target.insertP99Ms, inserts.latency?.p99Ms, 2, false),
      row('search p99, ms', target.searchP99Ms, searches.latency?.p99Ms, 2, false),
    ],
  }];
}

function usageText({ targetUsage, generatorUsage }: BenchResult): string {
  const text = (cores: number | undefined, bytes: number | undefined): string => (
    cores === undefined || bytes === undefined ? 'not known' : `${cores.toFixed(2)} cores, ${(bytes / 2 ** 20).toFixed(0)} MiB at most`);
  return `Database: ${text(targetUsage.cores, targetUsage.peakRssBytes)}. Load generator: ${text(generatorUsage.cores, generatorUsage.peakRssBytes)}.`;
}

function sweepBlocks({ sweep = [] }: BenchResult): readonly ReportBlock[] {
  if (sweep.length === 0) return [];
  const columns = ['ef', 'recall', 'searches/s', 'search p99 ms', 'inserts/s', 'errors'].map((name) => ({ name }));
  const rows = sweep.map((point) => [String(point.ef), point.recall.toFixed(4), point.searchesPerSecond.toFixed(0), ms(point.searchP99Ms), point.insertsPerSecond.toFixed(0), String(point.errorCount)]);
  return [{ type: 'table', columns, rows }];
}

function recallText({ recall }: BenchResult): string {
  if (recall === undefined) return 'No search was measured, so there is no recall.';
  const { k, mean, min, sampleCount, phantomCount, truth } = recall;
  const against = truth === 'file' ? ' The exact neighbours are those of the file.' : '';
  return `recall@${k} ${mean.toFixed(4)} over ${sampleCount} searches under load (lowest ${min.toFixed(2)}), ${phantomCount} phantom results.${against}`;
}

const loopOf = ({ config: { searchRate, insertRate } }: BenchResult): string => {
  const rates = [...(searchRate === undefined ? [] : [`${searchRate} searches/s`]), ...(insertRate === undefined ? [] : [`${insertRate} inserts/s`])];
  return rates.length === 0 ? 'closed loop' : `open loop at ${rates.join(' and ')}`;
};

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Title and settings. */
export function settingsBlocks(result: BenchResult): readonly ReportBlock[] {
  const { config } = result;
  const { k, ef, path } = config.search;
  return [
    { type: 'title', text: `${config.preset}: ${result.data}` },
    {
      type: 'text',
      text: `Against ${result.target}; ${groupedNumber(config.rows)} rows filled at ${groupedNumber(result.fillPerSecond)}/s, then ${result.seconds.toFixed(1)} s with ${counted(config.writers, 'writer')} (${counted(config.batchSize, 'vector')} per write) and ${counted(config.readers, 'reader')}, ${loopOf(result)}; `
        + `k=${k}, ef=${ef}, path ${path}, M=${config.m}, efConstruction=${config.efConstruction}, seed ${config.seed}.`,
    },
  ];
}

/** What was measured. */
export function reportBlocks(result: BenchResult): readonly ReportBlock[] {
  return [operationsBlock(result), { type: 'text', text: recallText(result) }, { type: 'text', text: usageText(result) }, ...targetBlocks(result), ...sweepBlocks(result)];
}

import type { BenchResult, OperationResult } from './concurrent-benchmark.ts';
import { SEED_TARGETS } from './seed-targets.ts';

const ms = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(2));

function operationRow(name: string, { itemsPerSecond, latency, errors }: OperationResult): string {
  const failures = Object.entries(errors).map(([code, count]) => `${count} ${code}`).join(', ');
  return `| ${name} | ${itemsPerSecond.toFixed(0)} | ${ms(latency?.p50Ms)} | ${ms(latency?.p95Ms)} | ${ms(latency?.p99Ms)} | ${failures === '' ? '0' : failures} |`;
}

/** The measured figures beside those that the seed system aimed at; nothing for a custom load, which has no targets. */
function targetTable({ config, inserts, searches }: BenchResult): string[] {
  if (config.preset === 'custom') return [];
  const target = SEED_TARGETS[config.preset];
  const more = (name: string, measured: number, wanted: number): string => `| ${name} | ${wanted} | ${measured.toFixed(0)} | ${(measured / wanted).toFixed(2)}x |`;
  const less = (name: string, measured: number | undefined, wanted: number): string => (
    `| ${name} | ${wanted} | ${ms(measured)} | ${measured === undefined ? '-' : `${(wanted / measured).toFixed(2)}x`} |`);
  return [
    '', `| ${config.preset} | target | measured | better by |`, '|---|---:|---:|---:|',
    more('inserts/s', inserts.itemsPerSecond, target.insertsPerSecond),
    more('searches/s', searches.itemsPerSecond, target.searchesPerSecond),
    less('insert p99, ms', inserts.latency?.p99Ms, target.insertP99Ms),
    less('search p99, ms', searches.latency?.p99Ms, target.searchP99Ms),
  ];
}

function usageLine({ targetUsage, generatorUsage }: BenchResult): string {
  const text = (cores: number | undefined, bytes: number | undefined): string => (
    cores === undefined || bytes === undefined ? 'not known' : `${cores.toFixed(2)} cores, ${(bytes / 2 ** 20).toFixed(0)} MiB at most`);
  return `Database: ${text(targetUsage.cores, targetUsage.peakRssBytes)}. Load generator: ${text(generatorUsage.cores, generatorUsage.peakRssBytes)}.`;
}

function sweepTable({ sweep = [] }: BenchResult): string[] {
  if (sweep.length === 0) return [];
  return [
    '', '| ef | recall | searches/s | search p99 ms | inserts/s | errors |', '|---:|---:|---:|---:|---:|---:|',
    ...sweep.map((point) => `| ${point.ef} | ${point.recall.toFixed(4)} | ${point.searchesPerSecond.toFixed(0)} | ${ms(point.searchP99Ms)} | ${point.insertsPerSecond.toFixed(0)} | ${point.errorCount} |`),
  ];
}

/** A result for people: speed, latency, errors, recall, and the targets of the preset. */
export function markdownReport(result: BenchResult): string {
  const { config, recall } = result;
  const { k, ef, path } = config.search;
  const recallLine = recall === undefined
    ? 'No search was measured, so there is no recall.'
    : `recall@${recall.k} ${recall.mean.toFixed(4)} over ${recall.sampleCount} searches under load (lowest ${recall.min.toFixed(2)}), ${recall.phantomCount} phantom results.`;
  return [
    `# ${config.preset}: ${result.data}`, '',
    `Against ${result.target}; ${config.rows} rows filled at ${result.fillPerSecond.toFixed(0)}/s, then ${result.seconds.toFixed(1)} s with ${config.writers} writers (${config.batchSize} vectors per write) and ${config.readers} readers; k=${k}, ef=${ef}, path ${path}, M=${config.m}, efConstruction=${config.efConstruction}, seed ${config.seed}.`, '',
    '| operation | per second | p50 ms | p95 ms | p99 ms | errors |', '|---|---:|---:|---:|---:|---|',
    operationRow('search', result.searches), operationRow('insert, until applied', result.inserts), '',
    recallLine, '', usageLine(result), ...targetTable(result), ...sweepTable(result), '',
  ].join('\n');
}

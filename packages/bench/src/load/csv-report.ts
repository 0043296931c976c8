import type { BenchResult, OperationResult } from './concurrent-benchmark.ts';

const COLUMNS = ['preset', 'target', 'operation', 'ef', 'seconds', 'items', 'per_second', 'mean_ms', 'p50_ms', 'p95_ms', 'p99_ms', 'max_ms', 'errors', 'recall'] as const;
type Row = Readonly<Record<(typeof COLUMNS)[number], string | number | undefined>>;

/** A field by RFC 4180: quoted where it holds a comma, a quote or the end of a line. */
function fieldOf(value: string | number | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const errorCountOf = ({ errors }: OperationResult): number => Object.values(errors).reduce((sum, count) => sum + count, 0);

/** One line per kind of operation, and one per beam width of the sweep (RFC 4180). */
export function csvReport({ config, target, seconds, searches, inserts, recall, sweep = [] }: BenchResult): string {
  const { preset, search: { ef } } = config;
  const rowOf = (operation: string, result: OperationResult): Row => ({
    preset, target, operation, ef: operation === 'search' ? ef : undefined, seconds, items: result.itemCount, per_second: result.itemsPerSecond,
    mean_ms: result.latency?.meanMs, p50_ms: result.latency?.p50Ms, p95_ms: result.latency?.p95Ms, p99_ms: result.latency?.p99Ms, max_ms: result.latency?.maxMs,
    errors: errorCountOf(result), recall: operation === 'search' ? recall?.mean : undefined,
  });
  const nothing = { seconds: undefined, items: undefined, mean_ms: undefined, p50_ms: undefined, p95_ms: undefined, max_ms: undefined };
  const rows: Row[] = [rowOf('search', searches), rowOf('insert', inserts), ...sweep.map((point): Row => ({
    ...nothing, preset, target, operation: 'search sweep', ef: point.ef, per_second: point.searchesPerSecond, p99_ms: point.searchP99Ms, errors: point.errorCount, recall: point.recall }))];
  return `${[COLUMNS.join(','), ...rows.map((row) => COLUMNS.map((column) => fieldOf(row[column])).join(','))].join('\r\n')}\r\n`;
}

import type { EngineResult } from './engine-benchmark.ts';
import { speedAtRecall } from './speed-at-recall.ts';

export const REPORTED_RECALLS = [0.9, 0.95, 0.99, 0.999] as const;

/** Speed at a recall as text: `>` before it where the least beam width exceeds that recall already, `-` where none reaches it. */
function speedText(result: EngineResult, recall: number): string {
  const speed = speedAtRecall(result.sweep, recall);
  if (speed === undefined) return '-';
  return `${speed.kind === 'atLeast' ? '>' : ''}${speed.searchesPerSecond.toFixed(0)}`;
}

function ratioText(result: EngineResult, against: readonly EngineResult[], recall: number): string {
  const own = speedAtRecall(result.sweep, recall)?.searchesPerSecond;
  const best = Math.max(...against.map((peer) => speedAtRecall(peer.sweep, recall)?.searchesPerSecond ?? 0));
  return own === undefined || best <= 0 ? '-' : `${(own / best).toFixed(2)}x`;
}

/** The cells of the report, the head first: building, size, searches/s at each reported recall, and how many times that of hnswlib-node and of the best usearch. */
export function engineCells(results: readonly EngineResult[]): readonly (readonly string[])[] {
  const hnswlib = results.filter(({ name }) => name === 'hnswlib-node');
  const usearch = results.filter(({ name }) => name.startsWith('usearch'));
  const head = ['engine', 'inserts/s', 'bytes/vector', ...REPORTED_RECALLS.flatMap((recall) => [`at ${recall}`, '/hnswlib', '/usearch'])];
  const rows = results.map((result) => [
    result.name, result.insertsPerSecond.toFixed(0), result.bytesPerVector.toFixed(0), ...REPORTED_RECALLS.flatMap((recall) => [
      speedText(result, recall), ratioText(result, hnswlib, recall), ratioText(result, usearch, recall)])]);
  return [head, ...rows];
}

/** A line per engine. */
export function engineTable(results: readonly EngineResult[]): string {
  const cells = engineCells(results);
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  const [head = [], ...rows] = cells;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

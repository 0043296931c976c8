import { blocksToMarkdown, type ReportBlock } from '../charts/index.ts';
import type { BenchConfig } from './bench-config.ts';
import type { BenchResult } from './concurrent-benchmark.ts';

interface Figure {
  readonly name: string;
  readonly digits: number;
  valueOf(result: BenchResult): number | undefined;
}

const FIGURES: readonly Figure[] = [
  { name: 'searches/s', digits: 0, valueOf: ({ searches }) => searches.itemsPerSecond },
  { name: 'search p50, ms', digits: 2, valueOf: ({ searches }) => searches.latency?.p50Ms },
  { name: 'search p99, ms', digits: 2, valueOf: ({ searches }) => searches.latency?.p99Ms },
  { name: 'recall', digits: 4, valueOf: ({ recall }) => recall?.mean },
  { name: 'inserts/s', digits: 0, valueOf: ({ inserts }) => inserts.itemsPerSecond },
  { name: 'insert p50, ms', digits: 2, valueOf: ({ inserts }) => inserts.latency?.p50Ms },
  { name: 'insert p99, ms', digits: 2, valueOf: ({ inserts }) => inserts.latency?.p99Ms },
  { name: 'filled/s', digits: 0, valueOf: ({ fillPerSecond }) => fillPerSecond },
];

/** Settings that differ: with any of them, the figures are of two different things. */
function differences(earlier: BenchConfig, later: BenchConfig): string[] {
  const flat = ({ search, ...rest }: BenchConfig): Readonly<Record<string, unknown>> => ({ ...rest, ...search });
  const [before, after] = [flat(earlier), flat(later)];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => before[name] !== after[name])
    .map((name) => `${name} ${String(before[name] ?? 'none')} / ${String(after[name] ?? 'none')}`);
}

/** Two results side by side. */
export function comparisonBlocks(earlier: BenchResult, later: BenchResult): readonly ReportBlock[] {
  const rows = FIGURES.map(({ name, digits, valueOf }) => {
    const [before, after] = [valueOf(earlier), valueOf(later)];
    const ratio = before === undefined || after === undefined || before === 0 ? '-' : `${(after / before).toFixed(2)}x`;
    return [name, before?.toFixed(digits) ?? '-', after?.toFixed(digits) ?? '-', ratio];
  });
  const different = [
    ...(earlier.target === later.target ? [] : [`target ${earlier.target} / ${later.target}`]),
    ...(earlier.data === later.data ? [] : [`data ${earlier.data} / ${later.data}`]),
    ...differences(earlier.config, later.config),
  ];
  const note = different.length === 0 ? 'Both runs had the same settings.' : `Different settings (earlier / later): ${different.join('; ')}.`;
  const columns = ['figure', 'earlier', 'later', 'later / earlier'].map((name, index) => ({ name, isText: index === 0 }));
  return [{ type: 'heading', text: 'Comparison' }, { type: 'text', text: note }, { type: 'table', columns, rows }];
}

/** The same as Markdown. */
export const compareResults = (earlier: BenchResult, later: BenchResult): string => blocksToMarkdown(comparisonBlocks(earlier, later));

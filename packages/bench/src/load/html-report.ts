import type { BenchResult, OperationResult } from './concurrent-benchmark.ts';
import { markdownReport } from './markdown-report.ts';
import { paretoFront } from './recall-sweep.ts';
import { chartSvg, escapedText, type ChartPoint } from './svg-chart.ts';

/** Percentiles are drawn by how many nines they have, so that tails can be seen. */
const ninesOf = (percent: number): number => -Math.log10(Math.max(1e-5, 1 - percent / 100));
const PERCENT_MARKS = [0, 50, 90, 99, 99.9, 99.99].map((percent) => ({ at: ninesOf(percent), text: `${percent}%` }));

const distributionOf = ({ distribution }: OperationResult): ChartPoint[] => (
  distribution.filter(({ percent }) => percent < 100).map(({ percent, ms }) => ({ x: ninesOf(percent), y: ms })));

/** Seconds that the run held in full: the last is cut short, and shows no speed. */
const perSecond = ({ itemsInSecond }: OperationResult, seconds: number): ChartPoint[] => (
  itemsInSecond.slice(0, Math.floor(seconds)).map((y, x) => ({ x: x + 1, y })));

function recallChart({ sweep = [], config }: BenchResult): string {
  const pointOf = ({ ef, recall, searchesPerSecond }: (typeof sweep)[number]): ChartPoint => ({ x: recall, y: searchesPerSecond, label: `ef ${ef}` });
  const front = paretoFront(sweep);
  const beaten = sweep.filter((point) => !front.includes(point));
  const least = Math.min(...sweep.map(({ recall }) => recall));
  const step = 10 ** Math.floor(Math.log10(Math.max(1e-4, 1 - least)));
  const first = Math.max(0, Math.floor(least / step) * step);
  const marks = Array.from({ length: Math.round((1 - first) / step) + 1 }, (_, index) => ({ at: first + index * step, text: String(Number((first + index * step).toPrecision(4))) }));
  return chartSvg({
    title: `Recall against throughput, ${config.writers} writers at work`,
    x: { title: `recall@${config.search.k} under load`, marks },
    y: { title: 'searches per second' },
    series: [{ name: 'Pareto front', points: front.map(pointOf) }, { name: 'beaten by another', points: beaten.map(pointOf), isScatter: true }],
  });
}

/** Tables of the Markdown report, which is the only Markdown that is turned into HTML here. */
function tablesOf(markdown: string): string {
  const cellsOf = (line: string): string[] => line.split('|').slice(1, -1).map((cell) => escapedText(cell.trim()));
  const blocks = markdown.trim().split('\n\n').map((block) => {
    const lines = block.split('\n');
    const head = lines[0] ?? '';
    if (head.startsWith('# ')) return `<h1>${escapedText(head.slice(2))}</h1>`;
    if (!head.startsWith('|')) return `<p>${escapedText(block)}</p>`;
    const rows = lines.slice(2).map((line) => `<tr>${cellsOf(line).map((cell) => `<td>${cell}</td>`).join('')}</tr>`);
    return `<table><tr>${cellsOf(head).map((cell) => `<th>${cell}</th>`).join('')}</tr>${rows.join('')}</table>`;
  });
  return blocks.join('\n');
}

const STYLE = 'body{font:15px/1.5 sans-serif;max-width:800px;margin:2em auto;color:#222}table{border-collapse:collapse;margin:1em 0}'
  + 'td,th{border:1px solid #ccc;padding:3px 10px;text-align:right}td:first-child,th:first-child{text-align:left}h2{font-size:17px;margin:2em 0 0}p{margin:.5em 0}';

/** A result as one page with plots; it loads nothing from elsewhere. */
export function htmlReport(result: BenchResult): string {
  const { searches, inserts, seconds } = result;
  return [
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>shoal bench: ${escapedText(result.config.preset)}</title><style>${STYLE}</style>`,
    tablesOf(markdownReport(result)),
    chartSvg({
      title: 'Latency distribution', x: { title: 'percentile', marks: PERCENT_MARKS }, y: { title: 'milliseconds', isLogarithmic: true },
      series: [{ name: 'searches', points: distributionOf(searches) }, { name: 'inserts, until applied', points: distributionOf(inserts) }],
    }),
    chartSvg({
      title: 'Throughput over time', x: { title: 'second' }, y: { title: 'per second' },
      series: [{ name: 'searches', points: perSecond(searches, seconds) }, { name: 'vectors applied', points: perSecond(inserts, seconds) }],
    }),
    recallChart(result), '</html>', '',
  ].join('\n');
}

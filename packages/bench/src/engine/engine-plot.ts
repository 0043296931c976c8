import { blocksToHtml, chartSvg, groupedNumber, reportPage, type ChartMark, type ChartPoint, type ReportBlock } from '../charts/index.ts';
import type { EngineResult } from './engine-benchmark.ts';
import { engineCells } from './engine-report.ts';
import type { SweepPoint } from './speed-at-recall.ts';

/** The results on one set of data. */
export interface DatasetResults {
  /** Such as `100000 x 128`. */
  readonly title: string;
  /** What the searches ran on, such as `one thread`. */
  readonly threads: string;
  readonly results: readonly EngineResult[];
}

/** How many nines are told apart. */
const NINES_MAXIMUM = 4;
/** Recalls below are of no use to anybody, and would take the place of the others. */
const LEAST_RECALL = 0.7;

/** Recalls are drawn by how many nines they have. */
const ninesOf = (recall: number): number => -Math.log10(Math.max(10 ** -NINES_MAXIMUM, 1 - recall));
const MARKS: readonly ChartMark[] = [...[LEAST_RECALL, 0.8, 0.9, 0.95, 0.99, 0.999].map((recall) => ({ at: ninesOf(recall), text: String(recall) })), { at: NINES_MAXIMUM, text: '≥ 0.9999' }];

const pointOf = ({ ef, recall, searchesPerSecond }: SweepPoint): ChartPoint => (
  { x: ninesOf(recall), y: searchesPerSecond, hint: `ef ${ef}, ${groupedNumber(searchesPerSecond)} searches/s at recall ${recall.toFixed(4)}` });

/** Searches per second (logarithmic) over recall at k, a line per engine; engines of one maker share a colour. */
function chartOf({ title, threads, results }: DatasetResults): string {
  return chartSvg({
    title: `${title}, ${threads}`, note: 'Upper right is better. Both axes are logarithmic: recall by the share that is missed.',
    x: { title: 'recall@k', marks: MARKS }, y: { title: `searches per second, ${threads}`, isLogarithmic: true },
    series: results.map(({ name, sweep }) => ({ name, family: name.split(/[ -]/, 1)[0] ?? name, points: sweep.filter(({ recall }) => recall >= LEAST_RECALL).map(pointOf) })),
  });
}

function tableOf({ results }: DatasetResults): ReportBlock {
  const [head = [], ...rows] = engineCells(results);
  return { type: 'table', columns: head.map((name, index) => ({ name, isText: index === 0 })), rows };
}

/** A page without outside parts: a chart and the table of each set of data. */
export function enginePage(datasets: readonly DatasetResults[]): string {
  const note: ReportBlock = { type: 'text', text: 'Columns "at" give searches per second at that recall, between the two neighbouring points of the sweep; then how many times that of hnswlib-node and of the best usearch.' };
  return reportPage({
    title: 'Engine benchmark',
    parts: ['<h1>Searches per second over recall</h1>', ...datasets.map((dataset) => `<section>${chartOf(dataset)}${blocksToHtml([note, tableOf(dataset)])}</section>`)],
  });
}

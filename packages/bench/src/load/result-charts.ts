/** The plots of a result. */
import { chartSvg, groupedNumber, type ChartMark, type ChartPoint, type ChartSeries } from '../charts/index.ts';
import type { BenchResult, OperationResult } from './concurrent-benchmark.ts';
import { paretoFront, type SweepPoint } from './recall-sweep.ts';

/** A longer run is drawn in longer steps. */
const POINTS_MAXIMUM = 240;
/** Lines that differ by more are drawn apart: in one chart the lower would lie on the axis. */
const ONE_CHART_FACTOR = 4;

/** Percentiles are drawn by how many nines they have, so that tails can be seen. */
const ninesOf = (percent: number): number => -Math.log10(Math.max(1e-5, 1 - percent / 100));
const PERCENTS_MARKED = [0, 50, 90, 99, 99.9, 99.99];

/** Percentiles that at least one operation lies beyond: a higher one is only the slowest operation under another name. */
function distributionOf({ distribution, latency }: OperationResult): readonly ChartPoint[] {
  const count = latency?.count ?? 0;
  return distribution.filter(({ percent }) => percent < 100 && count * (1 - percent / 100) >= 1).map(({ percent, ms }) => ({ x: ninesOf(percent), y: ms, hint: `${percent} % within ${groupedNumber(ms, 2)} ms` }));
}

interface Named {
  readonly name: string;
  readonly operation: OperationResult;
}

type Names = readonly [searches: string, inserts: string];
const LATENCY_NAMES: Names = ['searches', 'inserts, until applied'];
const THROUGHPUT_NAMES: Names = ['searches', 'vectors applied'];

const operationsOf = ({ searches, inserts }: BenchResult, names: Names): readonly [Named, Named] => [{ name: names[0], operation: searches }, { name: names[1], operation: inserts }];

/** Series of the result, and pale ones of the earlier. */
function bothOf(names: Names, result: BenchResult, earlier: BenchResult | undefined, pointsOf: (named: Named, of: BenchResult) => readonly ChartPoint[]): readonly ChartSeries[] {
  return operationsOf(result, names).flatMap((named, index): readonly ChartSeries[] => {
    const series = { name: named.name, family: named.name, points: pointsOf(named, result) };
    const before = earlier === undefined ? undefined : operationsOf(earlier, names)[index];
    if (earlier === undefined || before === undefined) return [series];
    return [series, { name: `${named.name}, earlier`, family: named.name, isReference: true, points: pointsOf(before, earlier) }];
  });
}

function latencyChart(result: BenchResult, earlier: BenchResult | undefined): string {
  const series = bothOf(LATENCY_NAMES, result, earlier, ({ operation }) => distributionOf(operation));
  const last = Math.max(...series.flatMap(({ points }) => points.map(({ x }) => x)));
  const marks = PERCENTS_MARKED.map((percent) => ({ at: ninesOf(percent), text: `${percent} %` }));
  const end = marks.findIndex(({ at }) => at >= last);
  return chartSvg({
    title: 'Latency distribution', note: 'Share of the operations that ended within a time; both axes are logarithmic, so that the slowest can be seen.',
    x: { title: 'share of the operations', marks: marks.slice(0, end === -1 ? undefined : end + 1) }, y: { title: 'milliseconds', isLogarithmic: true }, series,
  });
}

/** Seconds that the run held in full: the last is cut short, and shows no speed. */
function throughputOf({ itemsInSecond }: OperationResult, seconds: number): readonly ChartPoint[] {
  const whole = itemsInSecond.slice(0, Math.floor(seconds));
  const step = Math.ceil(whole.length / POINTS_MAXIMUM);
  return Array.from({ length: Math.floor(whole.length / Math.max(1, step)) }, (_, index) => {
    const y = whole.slice(index * step, (index + 1) * step).reduce((sum, one) => sum + one, 0) / step;
    const second = (index + 1) * step;
    return { x: second, y, hint: `${groupedNumber(y)} per second ${step === 1 ? `in second ${second}` : `in the ${step} seconds until ${second}`}` };
  });
}

function throughputCharts(result: BenchResult, earlier: BenchResult | undefined): readonly string[] {
  const series = bothOf(THROUGHPUT_NAMES, result, earlier, ({ operation }, { seconds }) => (operation.itemCount === 0 ? [] : throughputOf(operation, seconds)));
  const chart = (title: string, shown: readonly ChartSeries[]): string => chartSvg({ title, x: { title: 'second of the run' }, y: { title: 'per second' }, series: shown });
  const speeds = [result.searches, result.inserts].map(({ itemsPerSecond }) => itemsPerSecond);
  if (Math.max(...speeds) <= Math.min(...speeds) * ONE_CHART_FACTOR) return [chart('Throughput over time', series)];
  return THROUGHPUT_NAMES.map((name) => chart(`Throughput over time: ${name}`, series.filter(({ family }) => family === name)));
}

/** From a round recall below all of them to 1. */
function recallMarks(recalls: readonly number[]): readonly ChartMark[] {
  const least = Math.min(...recalls);
  const step = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1].find((size) => (1 - least) / size <= 6) ?? 0.2;
  const count = Math.max(1, Math.ceil((1 - least) / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, index) => {
    const at = 1 - (count - index) * step;
    return { at, text: String(Number(at.toPrecision(4))) };
  });
}

function recallOverTime({ recall, config, inserts }: BenchResult): string {
  const { overTime = [], k } = recall ?? { k: 0 };
  if (overTime.length < 2) return '';
  const written = config.writers === 0 ? '' : ` Meanwhile the ${groupedNumber(config.rows)} rows became ${groupedNumber(config.rows + inserts.itemCount)} or more.`;
  return chartSvg({
    title: config.writers === 0 ? 'Recall over time' : 'Recall while rows are written',
    note: `Each point is the mean of the searches of its time that were compared with exact ones; the axis does not begin at 0.${written}`,
    x: { title: 'second of the run' }, y: { title: `recall@${k} under load`, marks: recallMarks(overTime.map((point) => point.recall)) },
    series: [{ name: `recall@${k}`, points: overTime.map((point) => ({ x: point.second, y: point.recall, hint: `${point.recall.toFixed(4)} of ${point.searchCount} searches around second ${point.second.toFixed(1)}` })) }],
  });
}

function recallAgainstThroughput({ sweep = [], config }: BenchResult): string {
  if (sweep.length === 0) return '';
  const pointOf = ({ ef, recall, searchesPerSecond }: SweepPoint): ChartPoint => ({ x: recall, y: searchesPerSecond, label: `ef ${ef}`, hint: `ef ${ef}, ${groupedNumber(searchesPerSecond)} searches/s at recall ${recall.toFixed(4)}` });
  const front = paretoFront(sweep);
  return chartSvg({
    title: config.writers === 0 ? 'Recall against throughput' : `Recall against throughput, ${config.writers} writers at work`,
    note: 'Upper right is better. The line joins the Pareto front: settings that no other one beats in both.',
    x: { title: `recall@${config.search.k} under load`, marks: recallMarks(sweep.map(({ recall }) => recall)) }, y: { title: 'searches per second' },
    series: [{ name: 'Pareto front', points: front.map(pointOf) }, { name: 'beaten by another', isScatter: true, points: sweep.filter((point) => !front.includes(point)).map(pointOf) }],
  });
}

/** Each a figure of HTML; those without anything to show are left out. */
export function resultCharts(result: BenchResult, earlier?: BenchResult): readonly string[] {
  return [latencyChart(result, earlier), ...throughputCharts(result, earlier), recallOverTime(result), recallAgainstThroughput(result)].filter((chart) => chart !== '');
}

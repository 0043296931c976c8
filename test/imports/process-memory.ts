/** What processes hold while an import goes on: what is in RAM, and what they say of it themselves. */
import { processMemory } from '../harness/process-figures.ts';
import type { ServiceProcess } from '../harness/service-process.ts';

/** By name, bytes. */
export type MemoryFigures = Readonly<Record<string, number>>;

export interface MemorySample {
  readonly rowsDone: number;
  readonly figures: MemoryFigures;
}

const IN_RAM = 'in RAM';
const SERIES: readonly (readonly [string, string])[] = [
  ['heap, used', 'v8js_memory_heap_used_bytes'],
  ['heap', 'v8js_memory_heap_total_bytes'],
  ['outside the heap', 'nodejs_memory_external_bytes'],
  ['heaps of threads, used', 'shoal_worker_threads_memory_bytes{shoal_memory_type="heap_used"}'],
  ['heaps of threads', 'shoal_worker_threads_memory_bytes{shoal_memory_type="heap_total"}'],
  ['outside the heaps of threads', 'shoal_worker_threads_memory_bytes{shoal_memory_type="external"}'],
];

/** Where a process that was started with SHOAL_METRICS_PORT=0 serves its metrics. */
function metricsUrl({ output }: ServiceProcess): string | undefined {
  return [...output.matchAll(/"url":"(http:[^"]+)","msg":"metrics are served"/g)].at(-1)?.[1];
}

function seriesOf(text: string): MemoryFigures {
  const values = new Map(text.split('\n').map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
  return Object.fromEntries(SERIES.flatMap(([name, series]) => (values.has(series) ? [[name, values.get(series) ?? 0]] : [])));
}

/** What a process holds now; nothing while it is not there, and where the system does not tell. */
export async function memoryOf(process: ServiceProcess, options: { readonly withMetrics: boolean }): Promise<MemoryFigures> {
  if (!process.running) return {};
  const resident = await processMemory(process.pid).then(({ residentBytes }) => ({ [IN_RAM]: residentBytes }), () => ({}));
  const url = options.withMetrics ? metricsUrl(process) : undefined;
  if (url === undefined) return resident;
  const said = await fetch(`${url}/metrics`).then((response) => response.text()).then(seriesOf, () => ({}));
  return { ...resident, ...said };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** The slope of the line that lies nearest to the points in the sense of least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const across = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return across === 0 ? 0 : points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / across;
}

export interface MemoryCourse {
  readonly figure: string;
  /** Median of each quarter of the rows. */
  readonly quartersMib: readonly number[];
  /** From the second quarter on: in the first one everything is still warming up. */
  readonly mibPerMillionRows: number;
}

/** How each figure went over the rows. */
export function memoryCourses(samples: readonly MemorySample[], rows: number): readonly MemoryCourse[] {
  return [IN_RAM, ...SERIES.map(([name]) => name)].flatMap((figure) => {
    const points = samples.flatMap(({ rowsDone, figures }) => (figures[figure] === undefined ? [] : [[rowsDone / rows, figures[figure] / 2 ** 20] as const]));
    if (points.length === 0) return [];
    const quartersMib = [0, 1, 2, 3].map((quarter) => Math.round(median(points.filter(([share]) => Math.min(3, Math.floor(share * 4)) === quarter).map(([, mib]) => mib))));
    const mibPerMillionRows = Math.round(slope(points.filter(([share]) => share >= 0.25).map(([share, mib]) => [(share * rows) / 1e6, mib])));
    return [{ figure, quartersMib, mibPerMillionRows }];
  });
}

/** Whether memory in RAM is level: its median in the last quarter is at most this share above that of the second. */
export function hasGrown(courses: readonly MemoryCourse[], share: number): boolean {
  const [, second = 0, , last = 0] = courses.find(({ figure }) => figure === IN_RAM)?.quartersMib ?? [];
  return last > second * (1 + share);
}

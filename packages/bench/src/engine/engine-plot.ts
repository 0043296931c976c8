import type { EngineResult } from './engine-benchmark.ts';

/** The results on one set of data. */
export interface DatasetResults {
  /** Such as `100000 x 128`. */
  readonly title: string;
  readonly results: readonly EngineResult[];
}

const WIDTH = 760;
const HEIGHT = 420;
const MARGIN = 60;
const COLOURS = ['#0b6e4f', '#1b9e77', '#66c2a5', '#d95f02', '#e6ab02', '#7570b3', '#a6761d', '#e7298a', '#666666'];

/** Recalls are drawn by how many nines they have, up to four. */
function acrossOf(recall: number): number {
  const nines = -Math.log10(Math.max(1e-4, 1 - recall));
  return MARGIN + (nines - 0.5) / 3.5 * (WIDTH - 2 * MARGIN);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function axes(low: number, high: number, downOf: (speed: number) => number): string {
  const recalls = [0.8, 0.9, 0.95, 0.99, 0.999].map((recall) => (
    `<line x1="${acrossOf(recall)}" x2="${acrossOf(recall)}" y1="${MARGIN}" y2="${HEIGHT - MARGIN}" stroke="#ddd"/>`
    + `<text x="${acrossOf(recall)}" y="${HEIGHT - MARGIN + 18}" text-anchor="middle">${recall}</text>`));
  const speeds: string[] = [];
  for (let speed = 10 ** Math.floor(Math.log10(low)); speed <= high; speed *= 10) {
    for (const tick of [speed, 2 * speed, 5 * speed].filter((x) => x >= low && x <= high)) {
      speeds.push(`<line x1="${MARGIN}" x2="${WIDTH - MARGIN}" y1="${downOf(tick)}" y2="${downOf(tick)}" stroke="#ddd"/>`
        + `<text x="${MARGIN - 6}" y="${downOf(tick) + 4}" text-anchor="end">${tick}</text>`);
    }
  }
  return [...recalls, ...speeds].join('');
}

/** One chart: searches per second (logarithmic) over recall at k, a line per engine. */
function chart({ title, results }: DatasetResults): string {
  const speeds = results.flatMap(({ sweep }) => sweep.map(({ searchesPerSecond }) => searchesPerSecond));
  const low = Math.min(...speeds) * 0.9;
  const high = Math.max(...speeds) * 1.1;
  const downOf = (speed: number): number => (
    HEIGHT - MARGIN - (Math.log(speed) - Math.log(low)) / (Math.log(high) - Math.log(low)) * (HEIGHT - 2 * MARGIN));
  const lines = results.map(({ name, sweep }, i) => {
    const colour = COLOURS[i % COLOURS.length] as string;
    const points = sweep.filter(({ recall }) => acrossOf(recall) >= MARGIN).map((point) => (
      `${acrossOf(point.recall).toFixed(1)},${downOf(point.searchesPerSecond).toFixed(1)}`));
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`
      + `<text x="${WIDTH - MARGIN + 4}" y="${MARGIN + 16 * i}" fill="${colour}">${escaped(name)}</text>`;
  });
  return `<h2>${escaped(title)}</h2><svg width="${WIDTH + 120}" height="${HEIGHT}" font-family="sans-serif" font-size="12">`
    + `${axes(low, high, downOf)}${lines.join('')}</svg>`;
}

/** A page without outside parts: a chart and the table of each set of data. */
export function enginePage(datasets: readonly DatasetResults[], tableOf: (results: readonly EngineResult[]) => string): string {
  const parts = datasets.map((dataset) => `${chart(dataset)}<pre>${escaped(tableOf(dataset.results))}</pre>`);
  return '<!doctype html><meta charset="utf-8"><title>Engine benchmark</title><h1>Searches per second over recall@k, one thread</h1>'
    + `${parts.join('')}\n`;
}

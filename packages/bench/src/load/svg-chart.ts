/** Line charts as SVG text, without outside parts. */
export interface ChartSeries {
  readonly name: string;
  readonly points: readonly ChartPoint[];
  /** Points alone, without the line between them. */
  readonly isScatter?: boolean;
}

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  readonly label?: string;
}

export interface ChartAxis {
  readonly title: string;
  /** Given with `at`, the places and texts of the marks; otherwise they are round numbers. */
  readonly marks?: readonly { readonly at: number; readonly text: string }[];
  readonly isLogarithmic?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly x: ChartAxis;
  readonly y: ChartAxis;
  readonly series: readonly ChartSeries[];
}

const WIDTH = 760;
const HEIGHT = 360;
const LEFT = 72;
const RIGHT = 24;
const TOP = 16;
const BOTTOM = 52;
const COLOURS = ['#0b6e4f', '#d95f02', '#7570b3', '#e7298a'];
const MARK_COUNT = 6;

export function escapedText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

interface Scale {
  readonly marks: readonly { readonly at: number; readonly text: string }[];
  placeOf(value: number): number;
}

/** The step of 1, 2 or 5 times a power of ten that gives at most MARK_COUNT marks. */
function roundStep(range: number): number {
  const raw = range / MARK_COUNT;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10);
}

function linearMarks(low: number, high: number): { at: number; text: string }[] {
  const step = roundStep(high - low);
  const count = Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => {
    const at = (Math.ceil(low / step - 1e-9) + index) * step;
    return { at, text: String(Number(at.toPrecision(6))) };
  });
}

function logarithmicMarks(low: number, high: number): { at: number; text: string }[] {
  const marks: { at: number; text: string }[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const factor of [1, 2, 5]) {
      const at = Number((factor * 10 ** power).toPrecision(6));
      if (at >= low && at <= high) marks.push({ at, text: String(at) });
    }
  }
  return marks;
}

function scaleOf(axis: ChartAxis, values: readonly number[], from: number, to: number): Scale {
  const { marks, isLogarithmic = false } = axis;
  const all = [...values, ...(marks ?? []).map(({ at }) => at)];
  const ascending = all.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)] as const, [Infinity, -Infinity] as const);
  const low = isLogarithmic ? Math.max(1e-6, ascending[0] * 0.9) : (marks === undefined ? Math.min(0, ascending[0]) : ascending[0]);
  const high = ascending[1] > low ? ascending[1] * (marks === undefined ? 1.05 : 1) : low + 1;
  const shareOf = (value: number): number => (isLogarithmic
    ? (Math.log(Math.max(value, low)) - Math.log(low)) / (Math.log(high) - Math.log(low))
    : (value - low) / (high - low));
  return {
    marks: marks ?? (isLogarithmic ? logarithmicMarks(low, high) : linearMarks(low, high)),
    placeOf: (value) => from + shareOf(value) * (to - from),
  };
}

function gridOf(across: Scale, down: Scale): string {
  const bottom = HEIGHT - BOTTOM;
  const columns = across.marks.map(({ at, text }) => {
    const x = across.placeOf(at).toFixed(1);
    return `<line x1="${x}" x2="${x}" y1="${TOP}" y2="${bottom}" stroke="#e4e4e4"/><text x="${x}" y="${bottom + 18}" text-anchor="middle">${escapedText(text)}</text>`;
  });
  const rows = down.marks.map(({ at, text }) => {
    const y = down.placeOf(at).toFixed(1);
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" stroke="#e4e4e4"/><text x="${LEFT - 8}" y="${Number(y) + 4}" text-anchor="end">${escapedText(text)}</text>`;
  });
  return [...columns, ...rows].join('');
}

function seriesSvg({ points, isScatter = false }: ChartSeries, colour: string, across: Scale, down: Scale): string {
  const places = points.map(({ x, y, label }) => ({ x: across.placeOf(x).toFixed(1), y: down.placeOf(y).toFixed(1), label }));
  const line = isScatter ? '' : `<polyline points="${places.map(({ x, y }) => `${x},${y}`).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`;
  const dots = places.filter(({ label }) => isScatter || label !== undefined).map(({ x, y, label }) => (
    `<circle cx="${x}" cy="${y}" r="4" fill="${colour}"/>${label === undefined ? '' : `<text x="${Number(x) - 8}" y="${Number(y) + 16}" text-anchor="end" fill="${colour}">${escapedText(label)}</text>`}`));
  return line + dots.join('');
}

/** A heading and the chart; nothing when no series has a point. */
export function chartSvg({ title, x, y, series }: Chart): string {
  const drawn = series.filter(({ points }) => points.length > 0);
  if (drawn.length === 0) return '';
  const points = drawn.flatMap((each) => each.points);
  const across = scaleOf(x, points.map((point) => point.x), LEFT, WIDTH - RIGHT);
  const down = scaleOf(y, points.map((point) => point.y), HEIGHT - BOTTOM, TOP);
  const lines = drawn.map((each, index) => seriesSvg(each, COLOURS[index % COLOURS.length] ?? '#000', across, down));
  const legend = drawn.map(({ name }, index) => `<span style="color:${COLOURS[index % COLOURS.length]}">&#9632; ${escapedText(name)}</span>`).join(' &nbsp; ');
  return `<h2>${escapedText(title)}</h2><p>${legend}</p>`
    + `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12" role="img" aria-label="${escapedText(title)}">`
    + `${gridOf(across, down)}${lines.join('')}<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escapedText(x.title)}</text>`
    + `<text x="16" y="${(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" transform="rotate(-90 16 ${(TOP + HEIGHT - BOTTOM) / 2})">${escapedText(y.title)}</text></svg>`;
}

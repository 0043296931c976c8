/** Line charts as SVG text, without outside parts. Colours are those of `reportPage`, so they follow the reader's light or dark. */
import { chartScale, type ChartScale } from './chart-scale.ts';
import { escapedText, type Chart, type ChartPoint, type ChartSeries } from './chart.ts';

const WIDTH = 920;
const HEIGHT = 340;
const LEFT = 78;
const RIGHT = 28;
const TOP = 14;
const BOTTOM = 50;
/** Where the lines end, in front of the marks. */
const FLOOR = HEIGHT - BOTTOM;
/** Lines of one family. */
const DASHES = ['', '7 4', '2 3', '10 3 2 3'];
/** Labels that would come closer than so many units are left out; the pointer still tells them. */
const LABEL_GAP = { across: 44, down: 15 };

export const CHART_COLOUR_COUNT = 6;

interface Styled {
  readonly series: ChartSeries;
  readonly colour: string;
  readonly dash: string;
}

function styled(all: readonly ChartSeries[]): readonly Styled[] {
  const families = [...new Set(all.map(({ name, family = name }) => family))];
  const seen = new Map<string, number>();
  return all.map((series) => {
    const family = series.family ?? series.name;
    const nth = seen.get(family) ?? 0;
    seen.set(family, nth + 1);
    return { series, colour: `c${families.indexOf(family) % CHART_COLOUR_COUNT}`, dash: DASHES[nth % DASHES.length] ?? '' };
  });
}

const dashed = (dash: string): string => (dash === '' ? '' : ` stroke-dasharray="${dash}"`);
const classOf = ({ series: { isReference = false }, colour }: Styled): string => (isReference ? `${colour} pale` : colour);

function gridSvg(across: ChartScale, down: ChartScale): string {
  const columns = across.marks.map(({ at, text }) => {
    const x = across.placeOf(at).toFixed(1);
    return `<line class="grid" x1="${x}" x2="${x}" y1="${TOP}" y2="${FLOOR}"/><text x="${x}" y="${FLOOR + 18}" text-anchor="middle">${escapedText(text)}</text>`;
  });
  const rows = down.marks.map(({ at, text }) => {
    const y = down.placeOf(at).toFixed(1);
    return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/><text x="${LEFT - 8}" y="${Number(y) + 4}" text-anchor="end">${escapedText(text)}</text>`;
  });
  return [...columns, ...rows].join('');
}

type Place = Pick<ChartPoint, 'hint' | 'label'> & { readonly x: number; readonly y: number };

function placesOf({ points }: ChartSeries, across: ChartScale, down: ChartScale): readonly Place[] {
  return points.map(({ x, y, ...texts }) => ({ ...texts, x: across.placeOf(x), y: down.placeOf(y) }));
}

function lineSvg(style: Styled, places: readonly Place[]): string {
  if (style.series.isScatter === true) return '';
  return `<polyline points="${places.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')}" class="line ${classOf(style)}"${dashed(style.dash)}/>`;
}

/** A point, and around it where the pointer finds it. */
function pointSvg(style: Styled, { x, y, hint, label }: Place): string {
  const [cx, cy] = [x.toFixed(1), y.toFixed(1)];
  const isShown = style.series.isScatter === true || label !== undefined;
  return `<g class="point ${classOf(style)}"><title>${escapedText(`${style.series.name}: ${hint}`)}</title><circle class="near" cx="${cx}" cy="${cy}" r="9"/><circle class="dot${isShown ? ' shown' : ''}" cx="${cx}" cy="${cy}" r="4"/></g>`;
}

/** Labels left of and below their points, where the lines of a front do not run; the other way round at the left edge. */
function labelsSvg(places: readonly Place[]): string {
  const taken: { readonly x: number; readonly y: number }[] = [];
  return places.flatMap(({ x, y, label }) => {
    if (label === undefined || taken.some((other) => Math.abs(other.x - x) < LABEL_GAP.across && Math.abs(other.y - y) < LABEL_GAP.down)) return [];
    taken.push({ x, y });
    const isLeft = x < LEFT + 60;
    const below = y + 17 > FLOOR - 2 ? y - 9 : y + 17;
    return [`<text x="${(isLeft ? x + 9 : x - 9).toFixed(1)}" y="${(isLeft ? y - 8 : below).toFixed(1)}" text-anchor="${isLeft ? 'start' : 'end'}">${escapedText(label)}</text>`];
  }).join('');
}

function legendHtml(styles: readonly Styled[]): string {
  if (styles.length < 2) return '';
  const items = styles.map((style) => {
    const sample = style.series.isScatter === true ? '<circle class="dot shown" cx="14" cy="6" r="4"/>' : `<line class="line" x1="0" x2="28" y1="6" y2="6"${dashed(style.dash)}/>`;
    return `<li><svg class="${classOf(style)}" width="28" height="12" aria-hidden="true">${sample}</svg>${escapedText(style.series.name)}</li>`;
  });
  return `<ul class="legend">${items.join('')}</ul>`;
}

/** A heading, a legend and the chart; nothing when no series has a point. */
export function chartSvg({ title, note, x, y, series }: Chart): string {
  const drawn = series.filter(({ points }) => points.length > 0);
  if (drawn.length === 0) return '';
  const styles = styled(drawn);
  const points = drawn.flatMap((each) => each.points);
  const across = chartScale(x, points.map((point) => point.x), LEFT, WIDTH - RIGHT);
  const down = chartScale(y, points.map((point) => point.y), FLOOR, TOP);
  const placed = styles.map((style) => ({ style, places: placesOf(style.series, across, down) }));
  return `<figure><figcaption><h2>${escapedText(title)}</h2>${note === undefined ? '' : `<p>${escapedText(note)}</p>`}${legendHtml(styles)}</figcaption>`
    + `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapedText(title)}">${gridSvg(across, down)}`
    + `<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${FLOOR}" y2="${FLOOR}"/>`
    + placed.map(({ style, places }) => lineSvg(style, places)).join('')
    + placed.map(({ style, places }) => places.map((place) => pointSvg(style, place)).join('')).join('')
    + labelsSvg(placed.flatMap(({ places }) => places))
    + `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapedText(x.title)}</text>`
    + `<text x="16" y="${(TOP + FLOOR) / 2}" text-anchor="middle" transform="rotate(-90 16 ${(TOP + FLOOR) / 2})">${escapedText(y.title)}</text></svg></figure>`;
}

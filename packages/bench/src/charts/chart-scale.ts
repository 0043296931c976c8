import type { ChartAxis, ChartMark } from './chart.ts';

/** From values to places on the page. */
export interface ChartScale {
  readonly marks: readonly ChartMark[];
  placeOf(value: number): number;
}

const MARKS_MAXIMUM = 7;
/** Beyond so many powers of ten only the powers themselves are marked. */
const POWERS_WITH_PARTS = 2;
const LEAST_LOGARITHMIC = 1e-6;

const markAt = (at: number): ChartMark => ({ at, text: at.toLocaleString('en-US', { maximumSignificantDigits: 6 }) });

/** The step of 1, 2 or 5 times a power of ten that gives at most MARKS_MAXIMUM marks. */
function roundStep(range: number): number {
  const raw = range / (MARKS_MAXIMUM - 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10);
}

/** From a round number at or below `low` to one at or above `high`. */
function linearMarks(low: number, high: number): readonly ChartMark[] {
  const step = roundStep(high - low);
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, index) => markAt(Number(((first + index) * step).toPrecision(12))));
}

function logarithmicMarks(low: number, high: number): readonly ChartMark[] {
  const factors = Math.log10(high / low) > POWERS_WITH_PARTS ? [1] : [1, 2, 5];
  const marks: ChartMark[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const factor of factors) marks.push(markAt(Number((factor * 10 ** power).toPrecision(6))));
  }
  const first = marks.findLastIndex(({ at }) => at <= low);
  const last = marks.findIndex(({ at }) => at >= high);
  return marks.slice(Math.max(0, first), last === -1 ? undefined : last + 1);
}

/** `values` is not empty. A linear axis without marks of its own begins at 0, so that lengths compare as values do. */
export function chartScale({ marks: given, isLogarithmic = false }: ChartAxis, values: readonly number[], from: number, to: number): ChartScale {
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  const greatest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const inOrder = (low: number, high: number): readonly [number, number] => [low, high > low ? high : low + 1];
  const marks = given ?? (isLogarithmic
    ? logarithmicMarks(Math.max(LEAST_LOGARITHMIC, least), Math.max(LEAST_LOGARITHMIC * 2, greatest, least * 2))
    : linearMarks(...inOrder(Math.min(0, least), greatest)));
  const placed = (value: number): number => (isLogarithmic ? Math.log(Math.max(value, LEAST_LOGARITHMIC)) : value);
  const ends = [...marks.map(({ at }) => at), ...(given === undefined ? [] : values)];
  const [low, high] = inOrder(placed(ends.reduce((a, b) => Math.min(a, b), Infinity)), placed(ends.reduce((a, b) => Math.max(a, b), -Infinity)));
  return { marks, placeOf: (value) => from + ((placed(value) - low) / (high - low)) * (to - from) };
}

/** What a line chart shows; drawn by `chartSvg`. */
export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  /** Stands beside the point. */
  readonly label?: string;
  /** Told when the pointer is on the point, after the name of its series. */
  readonly hint: string;
}

export interface ChartSeries {
  readonly name: string;
  readonly points: readonly ChartPoint[];
  /** Series of one family share a colour and differ in how their lines are dashed. The name when absent. */
  readonly family?: string;
  /** Points alone, without the line between them. */
  readonly isScatter?: boolean;
  /** What the others are held against: a pale line. */
  readonly isReference?: boolean;
}

export interface ChartAxis {
  readonly title: string;
  /** Places and texts of the marks, which are then the ends of the axis, too; round numbers when absent. */
  readonly marks?: readonly ChartMark[];
  readonly isLogarithmic?: boolean;
}

export interface ChartMark {
  readonly at: number;
  readonly text: string;
}

export interface Chart {
  readonly title: string;
  /** A sentence about how to read it. */
  readonly note?: string;
  readonly x: ChartAxis;
  readonly y: ChartAxis;
  readonly series: readonly ChartSeries[];
}

/** Text for HTML and SVG, within elements and attributes. */
export function escapedText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/** Whole numbers with a comma between thousands. */
export const groupedNumber = (value: number, digits = 0): string => value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });

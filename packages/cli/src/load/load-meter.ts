/** Shows how a load goes: a bar on a terminal when the total is known, else a line every few seconds. */
import { Presets, SingleBar } from 'cli-progress';
import type { TextOutput } from '../cli-system.ts';
import { CLI_LIMITS } from '../limits.ts';
import { formatCount, formatDuration, perSecond } from '../text/quantities.ts';

export interface LoadMeter {
  /** Rows acknowledged in all, earlier runs included. */
  show(rowCount: number): void;
  end(): void;
}

export interface MeterStart {
  readonly output: TextOutput;
  /** Rows acknowledged by earlier runs; they do not count for the rate. */
  readonly startRow: number;
  readonly totalRows: number | undefined;
  readonly nowMs: () => number;
}

interface Figures {
  readonly rate: number;
  readonly leftMs: number | undefined;
}

function figuresOf(start: MeterStart, startedMs: number, rowCount: number): Figures {
  const rate = perSecond(rowCount - start.startRow, start.nowMs() - startedMs);
  const leftMs = start.totalRows === undefined || rate === 0 ? undefined : ((start.totalRows - rowCount) / rate) * 1000;
  return { rate, leftMs };
}

function barMeter(start: MeterStart, totalRows: number, stream: NodeJS.WriteStream): LoadMeter {
  const startedMs = start.nowMs();
  const format = '  {bar} {percentage}%  {value}/{total} vectors  {rate}/s  {left} left';
  const bar = new SingleBar({ stream, format, hideCursor: true, fps: 5, barsize: 30 }, Presets.shades_classic);
  bar.start(totalRows, start.startRow, { rate: '-', left: '-' });
  const show = (rowCount: number): void => {
    const { rate, leftMs } = figuresOf(start, startedMs, rowCount);
    bar.update(rowCount, { rate: formatCount(rate), left: leftMs === undefined ? '-' : formatDuration(leftMs) });
  };
  return { show, end: () => bar.stop() };
}

function lineMeter(start: MeterStart): LoadMeter {
  const startedMs = start.nowMs();
  let lastMs = startedMs;
  const show = (rowCount: number): void => {
    if (start.nowMs() - lastMs < CLI_LIMITS.reportIntervalMs) return;
    lastMs = start.nowMs();
    const { rate, leftMs } = figuresOf(start, startedMs, rowCount);
    const total = start.totalRows === undefined ? '' : ` of ${formatCount(start.totalRows)}`;
    const left = leftMs === undefined ? '' : `, ${formatDuration(leftMs)} left`;
    start.output.write(`  ${formatCount(rowCount)}${total} vectors, ${formatCount(rate)}/s${left}\n`);
  };
  return { show, end: () => {} };
}

export function startMeter(start: MeterStart): LoadMeter {
  const { terminal } = start.output;
  return terminal === undefined || start.totalRows === undefined ? lineMeter(start) : barMeter(start, start.totalRows, terminal);
}

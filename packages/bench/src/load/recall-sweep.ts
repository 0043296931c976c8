import type { BenchConfig } from './bench-config.ts';
import type { BenchData, BenchTarget } from './bench-target.ts';
import type { RecallOracle } from './recall-under-load.ts';
import { runLoad, type RowLedger } from './run-load.ts';

/** What the load reached at one beam width, writers and all. */
export interface SweepPoint {
  readonly ef: number;
  readonly searchesPerSecond: number;
  readonly searchP99Ms: number;
  readonly insertsPerSecond: number;
  readonly recall: number;
  readonly phantomCount: number;
  readonly errorCount: number;
}

export interface SweepOptions {
  readonly target: BenchTarget;
  readonly data: BenchData;
  readonly config: BenchConfig;
  readonly efs: readonly number[];
  readonly secondsPerEf: number;
  readonly ledger: RowLedger;
  readonly oracle: RecallOracle;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}

/** Runs the same load once per beam width. A width without an answered search gives no point. */
export async function sweepRecall({ efs, secondsPerEf, oracle, config, ledger, ...rest }: SweepOptions): Promise<readonly SweepPoint[]> {
  const points: SweepPoint[] = [];
  for (const ef of efs) {
    const run = await runLoad({ ...rest, config, ledger, seconds: secondsPerEf, search: { ...config.search, ef } });
    const recall = oracle.measure(run.samples, ledger.writes);
    if (recall === undefined) continue;
    points.push({
      ef,
      searchesPerSecond: run.searches.itemCount / run.seconds,
      searchP99Ms: run.searches.latencies.percentileMs(99),
      insertsPerSecond: run.inserts.itemCount / run.seconds,
      recall: recall.mean,
      phantomCount: recall.phantomCount,
      errorCount: run.searches.errorCount + run.inserts.errorCount,
    });
  }
  return points;
}

/** The points that no other point beats in both recall and speed, by ascending recall. */
export function paretoFront<Point extends Pick<SweepPoint, 'recall' | 'searchesPerSecond'>>(points: readonly Point[]): readonly Point[] {
  const isBeaten = (point: Point): boolean => points.some((other) => (
    other.recall >= point.recall && other.searchesPerSecond >= point.searchesPerSecond
    && (other.recall > point.recall || other.searchesPerSecond > point.searchesPerSecond)));
  return points.filter((point) => !isBeaten(point)).toSorted((a, b) => a.recall - b.recall);
}

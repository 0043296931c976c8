import type { BenchData, BenchTarget } from '../load/bench-target.ts';
import { RecallOracle } from '../load/recall-under-load.ts';
import { RowLedger, runLoad, type LoadRun } from '../load/run-load.ts';
import { median } from '../engine/speed-at-recall.ts';

export interface PathFigures {
  readonly clients: number;
  readonly searchesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly recall: number;
  readonly instantPerSecond: number;
  readonly instantP50Ms: number;
  /** Searches/s of the real path over those of the instant one: the median of the rounds' ratios, each measured side by side. */
  readonly ratio: number;
  readonly ratios: readonly number[];
  /** Processor time of the services per search, real over instant, by rounds; other programs disturb it less than searches/s. Empty where the system does not tell. */
  readonly cpuRatios: readonly number[];
  /** That processor time, in microseconds; medians. Undefined where the system does not tell. */
  readonly cpuUs: number | undefined;
  readonly instantCpuUs: number | undefined;
  readonly errors: number;
}

export interface PathComparisonOptions {
  /** The path with a real shard, and with one that answers at once. */
  readonly real: BenchTarget;
  readonly instant: BenchTarget;
  readonly data: BenchData;
  readonly rows: number;
  readonly clients: number;
  readonly ef: number;
  readonly k: number;
  readonly secondsPerRound: number;
  readonly rounds: number;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}

/** Measures both paths in turns with the same number of clients. */
export async function comparePaths(options: PathComparisonOptions): Promise<PathFigures> {
  const { real, instant, data, rows, clients, ef, k, rounds, secondsPerRound, nowMs, signal } = options;
  const ledger = new RowLedger(rows);
  const run = (target: BenchTarget, seconds: number): Promise<LoadRun> => runLoad({
    target, data, ledger, nowMs, signal, seconds, search: { k, ef, path: 'auto' },
    config: { writers: 0, readers: clients, batchSize: 1, recallSamples: 500 },
  });
  await run(real, 1);
  await run(instant, 1);
  const reals: LoadRun[] = [];
  const instants: LoadRun[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // What the first of two costs the second, or spares it, falls on both alike.
    if (round % 2 === 0) reals.push(await run(real, secondsPerRound));
    instants.push(await run(instant, secondsPerRound));
    if (round % 2 === 1) reals.push(await run(real, secondsPerRound));
  }
  const speed = ({ searches, seconds }: LoadRun): number => searches.itemCount / seconds;
  const cpuPerSearch = ({ usage, searches, seconds }: LoadRun): number | undefined => (usage.cores === undefined ? undefined : (usage.cores * seconds) / searches.itemCount);
  const cpuRatios = reals.flatMap((each, round) => {
    const [one, other] = [cpuPerSearch(each), cpuPerSearch(instants[round] ?? each)];
    return one === undefined || other === undefined ? [] : [one / other];
  });
  const medianUs = (seconds: readonly (number | undefined)[]): number | undefined => {
    const known = seconds.filter((each) => each !== undefined);
    return known.length === 0 ? undefined : median(known) * 1e6;
  };
  const ratios = reals.map((each, round) => speed(each) / speed(instants[round] ?? each));
  const recall = new RecallOracle(data, rows, k).measure(reals.flatMap(({ samples }) => samples), [])?.mean ?? 0;
  return {
    clients,
    searchesPerSecond: median(reals.map(speed)),
    p50Ms: median(reals.map(({ searches }) => searches.latencies.percentileMs(50))),
    p99Ms: median(reals.map(({ searches }) => searches.latencies.percentileMs(99))),
    recall,
    instantPerSecond: median(instants.map(speed)),
    instantP50Ms: median(instants.map(({ searches }) => searches.latencies.percentileMs(50))),
    ratio: median(ratios),
    ratios,
    cpuRatios,
    cpuUs: medianUs(reals.map(cpuPerSearch)),
    instantCpuUs: medianUs(instants.map(cpuPerSearch)),
    errors: [...reals, ...instants].reduce((sum, { searches }) => sum + searches.errorCount, 0),
  };
}


import type { BenchConfig } from './bench-config.ts';
import type { BenchData, BenchTarget } from './bench-target.ts';
import type { LatencyFigures } from './latency-samples.ts';
import type { LoadRecorder } from './load-recorder.ts';
import type { ProcessUsage } from './process-usage.ts';
import { RecallOracle, type RecallFigures } from './recall-under-load.ts';
import { sweepRecall, type SweepPoint } from './recall-sweep.ts';
import { fill, RowLedger, runLoad } from './run-load.ts';

export interface OperationResult {
  /** Searches, or vectors written and applied. */
  readonly itemCount: number;
  readonly itemsPerSecond: number;
  /** Per operation: a write of a batch is one. Exact. Absent when none succeeded. */
  readonly latency?: LatencyFigures;
  readonly errors: Readonly<Record<string, number>>;
  readonly itemsInSecond: readonly number[];
  /** The latency at each of some percentiles, ascending; exact. */
  readonly distribution: readonly { readonly percent: number; readonly ms: number }[];
}

/** A finished run, as it is kept in a JSON file. */
export interface BenchResult {
  readonly format: 'shoal-bench';
  readonly version: 1;
  readonly target: string;
  readonly data: string;
  readonly config: BenchConfig;
  /** Vectors per second while the database was filled; applied, not queued. */
  readonly fillPerSecond: number;
  readonly seconds: number;
  readonly searches: OperationResult;
  readonly inserts: OperationResult;
  /** Of searches under this load; absent without searches. */
  readonly recall?: RecallFigures;
  /** The same load at other beam widths, where it was asked for. */
  readonly sweep?: readonly SweepPoint[];
  readonly targetUsage: ProcessUsage;
  readonly generatorUsage: ProcessUsage;
}

export interface BenchmarkOptions {
  /** Empty: the benchmark fills it. */
  readonly target: BenchTarget;
  readonly data: BenchData;
  readonly config: BenchConfig;
  /** Beam widths at which the load is run again, and for how long each. */
  readonly sweep?: { readonly efs: readonly number[]; readonly secondsPerEf: number };
  readonly nowMs: () => number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Fills the target, warms it up, loads it, and holds a sample of the answers against the exact ones. */
export async function runBenchmark({ target, data, config, sweep, nowMs, say, signal }: BenchmarkOptions): Promise<BenchResult> {
  say(`filling ${target.description} with ${config.rows} rows`);
  const fillPerSecond = await fill(target, config.rows, nowMs, say, signal);
  const ledger = new RowLedger(config.rows);
  const load = (seconds: number) => runLoad({ target, data, config, search: config.search, ledger, nowMs, signal, seconds });
  if (config.warmUpSeconds > 0) await load(config.warmUpSeconds);
  say(`loading for ${config.seconds} s with ${config.writers} writers and ${config.readers} readers`);
  const run = await load(config.seconds);
  say(`comparing ${run.samples.length} answers with exact ones`);
  const oracle = new RecallOracle(data, config.rows, config.search.k);
  const recall = oracle.measure(run.samples, ledger.writes, { startedAtMs: run.startedAtMs, endedAtMs: run.startedAtMs + run.seconds * 1000 });
  if (sweep !== undefined) say(`loading again with ef ${sweep.efs.join(', ')}`);
  const points = sweep === undefined ? undefined : await sweepRecall({ ...sweep, target, data, config, ledger, oracle, nowMs, signal });
  return {
    format: 'shoal-bench',
    version: 1,
    target: target.description,
    data: data.title,
    config,
    fillPerSecond,
    seconds: run.seconds,
    searches: resultOf(run.searches, run.seconds),
    inserts: resultOf(run.inserts, run.seconds),
    ...(recall === undefined ? {} : { recall }),
    ...(points === undefined ? {} : { sweep: points }),
    targetUsage: run.usage,
    generatorUsage: run.ownUsage,
  };
}

function resultOf(recorder: LoadRecorder, seconds: number): OperationResult {
  const latency = recorder.latencies.figures();
  return {
    itemCount: recorder.itemCount,
    itemsPerSecond: recorder.itemCount / seconds,
    ...(latency === undefined ? {} : { latency }),
    errors: Object.fromEntries(recorder.errors),
    itemsInSecond: recorder.perSecond,
    distribution: recorder.latencies.distribution(),
  };
}

import type { MeasuredEngine, VectorRows } from './measured-engine.ts';
import { meanRecall, median } from './speed-at-recall.ts';
import type { SweepPoint } from './speed-at-recall.ts';

export interface EngineBenchmarkOptions {
  readonly data: VectorRows;
  readonly queries: VectorRows;
  /** True neighbours of each query; their number is k. */
  readonly truth: readonly Uint32Array[];
  readonly efs: readonly number[];
  /** Times each beam width is measured; engines take turns, and the median counts. */
  readonly repetitions: number;
  /** Milliseconds from a fixed moment. */
  readonly nowMs: () => number;
  readonly say: (line: string) => void;
}

export interface EngineResult {
  readonly name: string;
  readonly insertsPerSecond: number;
  readonly bytesPerVector: number;
  readonly sweep: readonly SweepPoint[];
}

/** Builds every engine, then sweeps the beam widths, all on the calling thread and on the same data. Closes the engines. */
export function benchmarkEngines(engines: readonly MeasuredEngine[], options: EngineBenchmarkOptions): EngineResult[] {
  const builds = engines.map((engine) => {
    const startMs = options.nowMs();
    engine.build(options.data);
    const insertsPerSecond = options.data.count / (options.nowMs() - startMs) * 1000;
    options.say(`${engine.name}: built at ${insertsPerSecond.toFixed(0)} inserts/s`);
    return { insertsPerSecond, bytesPerVector: engine.bytesPerVector() };
  });
  const sweeps = engines.map(() => new Map<number, { recall: number; speeds: number[] }>());
  for (let repetition = 0; repetition < options.repetitions; repetition++) {
    for (const ef of options.efs) {
      engines.forEach((engine, i) => { measure(engine, ef, options, sweeps[i] as Map<number, Measured>); });
    }
  }
  return engines.map((engine, i) => {
    engine.close();
    const sweep = [...(sweeps[i] as Map<number, Measured>)].map(([ef, { recall, speeds }]) => (
      { ef, recall, searchesPerSecond: median(speeds) }));
    return { name: engine.name, ...(builds[i] as { insertsPerSecond: number; bytesPerVector: number }), sweep };
  });
}

interface Measured {
  readonly recall: number;
  readonly speeds: number[];
}

function measure(engine: MeasuredEngine, ef: number, options: EngineBenchmarkOptions, sweep: Map<number, Measured>): void {
  const { queries, truth } = options;
  const k = truth[0]?.length ?? 0;
  engine.setEf(ef);
  for (let query = 0; query < Math.min(50, queries.count); query++) engine.search(query, k);
  const found: ArrayLike<number | bigint>[] = [];
  const startMs = options.nowMs();
  for (let query = 0; query < queries.count; query++) found.push(engine.search(query, k));
  const speed = queries.count / (options.nowMs() - startMs) * 1000;
  const before = sweep.get(ef);
  if (before === undefined) sweep.set(ef, { recall: meanRecall(found, truth), speeds: [speed] });
  else before.speeds.push(speed);
}

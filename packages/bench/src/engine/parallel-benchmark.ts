import type { EngineBenchmarkOptions, EngineResult } from './engine-benchmark.ts';
import type { ParallelEngine } from './parallel-engine.ts';
import { meanRecall, median } from './speed-at-recall.ts';

/** Times all queries are asked in one measurement, so that it lasts long enough to mean something. */
const PASSES = 4;

/** Builds every engine, then sweeps the beam widths, all queries asked at once; engines take turns. Closes the engines. */
export async function benchmarkInParallel(engines: readonly ParallelEngine[], options: EngineBenchmarkOptions): Promise<EngineResult[]> {
  const results: { readonly name: string; readonly insertsPerSecond: number; readonly bytesPerVector: number }[] = [];
  for (const engine of engines) {
    const startMs = options.nowMs();
    await engine.build(options.data);
    const insertsPerSecond = options.data.count / (options.nowMs() - startMs) * 1000;
    options.say(`${engine.name}: built at ${insertsPerSecond.toFixed(0)} inserts/s`);
    results.push({ name: engine.name, insertsPerSecond, bytesPerVector: engine.bytesPerVector() });
  }
  const points = engines.map(() => options.efs.map((ef) => ({ ef, recall: 0, speeds: [] as number[] })));
  for (let repetition = 0; repetition < options.repetitions; repetition++) {
    for (const at of options.efs.keys()) {
      for (const [i, engine] of engines.entries()) {
        const point = points[i]?.[at];
        if (point !== undefined) await measure(engine, point, options);
      }
    }
  }
  for (const engine of engines) await engine.close();
  return results.map((result, i) => ({
    ...result, sweep: (points[i] ?? []).map(({ ef, recall, speeds }) => ({ ef, recall, searchesPerSecond: median(speeds) })) }));
}

async function measure(engine: ParallelEngine, point: { ef: number; recall: number; speeds: number[] }, options: EngineBenchmarkOptions): Promise<void> {
  const { queries, truth, nowMs } = options;
  const k = truth[0]?.length ?? 0;
  engine.setEf(point.ef);
  const idsOf = await engine.searchAll(k);
  if (point.speeds.length === 0) point.recall = meanRecall(Array.from({ length: queries.count }, (_, query) => idsOf(query)), truth);
  const startMs = nowMs();
  for (let pass = 0; pass < PASSES; pass++) await engine.searchAll(k);
  point.speeds.push(PASSES * queries.count / (nowMs() - startMs) * 1000);
}

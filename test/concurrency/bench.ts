/**
 * `npm run bench:concurrency`: the percentiles of a search while a writer replaces vectors beside those while none does, and two search threads beside one: in loops
 * of their own, one search after the other through the engine, and in batches.
 * Windows alternate; a ratio is that of two neighbouring windows, and the medians of the ratios count.
 */
import { parseArgs } from 'node:util';
import { clusteredVectors } from '@shoal/bench';
import { Engine } from '@shoal/index';
import type { VectorIndex } from '@shoal/index';
import { threadScaling } from './thread-scaling.ts';

const { values } = parseArgs({ options: {
  count: { type: 'string', default: '20000' }, dim: { type: 'string', default: '128' }, seed: { type: 'string', default: '1' },
  windows: { type: 'string', default: '15' }, 'window-ms': { type: 'string', default: '1000' }, ef: { type: 'string', default: '64' },
} });
const [count, dim, seed, windowCount, windowMs, ef] = [values.count, values.dim, values.seed, values.windows, values['window-ms'], values.ef].map(Number) as [number, number, number, number, number, number];
const QUERIES = 1_000;
const REPLACED_PER_GROUP = 20;
const PIPELINED = 32;
/** Queries of a batch, and batches under way. */
const BATCH = 250;
const BATCHES = 2;
const all = clusteredVectors({ seed, count: count * 2 + QUERIES, dim, intrinsicDim: Math.min(24, dim), clusterCount: 100 });
const vectorAt = (row: number): Float32Array => all.subarray(row * dim, (row + 1) * dim);
const queryAt = (turn: number): Float32Array => vectorAt(count * 2 + turn % QUERIES);

async function start(searchThreadCount: number): Promise<{ readonly engine: Engine; readonly index: VectorIndex }> {
  const engine = await Engine.start({ memoryMaxBytes: 1 << 30, searchThreadCount });
  const index = await engine.openIndex({ dim, distance: 'l2', m: 16, efConstruction: 200, seed, rabitq: { bits: 8, seed } });
  for (let from = 0; from < count; from += 500) {
    await index.apply(Array.from({ length: Math.min(500, count - from) }, (_, i) => ({ type: 'put', id: from + i, vector: vectorAt(from + i) })));
  }
  return { engine, index };
}

const percentile = (samples: readonly number[], share: number): number => samples.toSorted((a, b) => a - b)[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? 0;
const median = (samples: readonly number[]): number => percentile(samples, 0.5);

/** Latencies, in ms, of one reader that searches again as soon as it is answered. */
async function latencies(index: VectorIndex): Promise<number[]> {
  const samples: number[] = [];
  const endMs = performance.now() + windowMs;
  for (let turn = 0; performance.now() < endMs; turn++) {
    const beginMs = performance.now();
    await index.search({ vector: queryAt(turn), k: 10, ef, path: 'rabitq' });
    samples.push(performance.now() - beginMs);
  }
  return samples;
}

/** Replaces vectors of an index, group after group, each id by one that was free before. */
class Writer {
  readonly #index: VectorIndex;
  readonly #free = Array.from({ length: count }, (_, i) => count + i);
  readonly #live = Array.from({ length: count }, (_, id) => id);
  replaced = 0;

  constructor(index: VectorIndex) {
    this.#index = index;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const leaving = this.#live.splice(0, REPLACED_PER_GROUP);
      const coming = this.#free.splice(0, REPLACED_PER_GROUP);
      await this.#index.apply([
        ...leaving.map((id) => ({ type: 'remove', id } as const)), ...coming.map((id) => ({ type: 'put', id, vector: vectorAt(id) } as const))]);
      this.#live.push(...coming);
      this.#free.push(...leaving);
      this.replaced += coming.length;
    }
  }
}

async function whileWriting(index: VectorIndex): Promise<void> {
  const writer = new Writer(index);
  const rows: { readonly quiet: number[]; readonly writing: number[] }[] = [];
  for (let window = 0; window < windowCount; window++) {
    const quiet = await latencies(index);
    const end = new AbortController();
    const written = writer.run(end.signal);
    const writing = await latencies(index);
    end.abort();
    await written;
    rows.push({ quiet, writing });
  }
  console.log('| of a search | no writer, ms | beside a writer, ms | ratio |\n|---|---|---|---|');
  for (const share of [0.5, 0.99]) {
    const of = (kind: 'quiet' | 'writing'): number[] => rows.map((row) => percentile(row[kind], share));
    const [quiet, writing] = [of('quiet'), of('writing')];
    console.log(`| p${share * 100} | ${median(quiet).toFixed(3)} | ${median(writing).toFixed(3)} | ${median(writing.map((ms, at) => ms / (quiet[at] ?? 1))).toFixed(2)} |`);
  }
  console.log(`${writer.replaced} vectors replaced in ${windowCount} windows of ${windowMs} ms`);
}

/** Searches/s with a bounded number under way. */
async function throughput(index: VectorIndex): Promise<number> {
  const beginMs = performance.now();
  let searches = 0;
  await Promise.all(Array.from({ length: PIPELINED }, async (_, reader) => {
    for (let turn = reader; performance.now() < beginMs + windowMs; turn += PIPELINED) {
      await index.search({ vector: queryAt(turn), k: 10, ef, path: 'rabitq' });
      searches++;
    }
  }));
  return searches * 1_000 / (performance.now() - beginMs);
}

/** Searches/s in batches, of which there is always another one on its way. */
async function batchThroughput(index: VectorIndex): Promise<number> {
  const beginMs = performance.now();
  let searches = 0;
  await Promise.all(Array.from({ length: BATCHES }, async (_, caller) => {
    for (let turn = caller; performance.now() < beginMs + windowMs; turn += BATCHES) {
      const from = count * 2 + (turn * BATCH) % QUERIES;
      await index.searchMany(all.subarray(from * dim, (from + BATCH) * dim), { k: 10, ef, path: 'rabitq' });
      searches += BATCH;
    }
  }));
  return searches * 1_000 / (performance.now() - beginMs);
}

async function twoBesideOne(name: string, measure: (index: VectorIndex) => Promise<number>, one: VectorIndex, two: VectorIndex): Promise<void> {
  const pairs: { readonly single: number; readonly double: number }[] = [];
  for (let window = 0; window < windowCount; window++) pairs.push({ single: await measure(one), double: await measure(two) });
  line(name, median(pairs.map(({ single }) => single)), median(pairs.map(({ double }) => double)), median(pairs.map(({ single, double }) => double / single)));
}

function line(name: string, single: number, double: number, ratio: number): void {
  console.log(`| ${name} | ${Math.round(single)} | ${Math.round(double)} | ${ratio.toFixed(2)} |`);
}

const one = await start(1);
await whileWriting(one.index);
const two = await start(2);
console.log('\n| searches/s | one search thread | two | ratio |\n|---|---|---|---|');
const scaling = await threadScaling({ vectors: all.subarray(0, count * dim), queries: all.subarray(count * 2 * dim), dim, ef, windowCount, windowMs });
line('in loops of their own', scaling.onePerSecond, scaling.twoPerSecond, scaling.ratio);
await twoBesideOne('through the engine, one query per call', throughput, one.index, two.index);
await twoBesideOne(`through the engine, ${BATCH} queries per call`, batchThroughput, one.index, two.index);
console.log(`In loops of their own, by processor time of the threads: ratio ${scaling.cpuRatio.toFixed(2)}`);
await one.engine.close();
await two.engine.close();

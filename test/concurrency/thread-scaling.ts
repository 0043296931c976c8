import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import assert from 'node:assert';
import { ANSWER_HEADER_BYTES, compileKernel, createMemory, DISTANCE_CODES, instantiateKernel, type Address } from '@shoal/kernel';
import { FLAT_THRESHOLD_DEFAULT } from '@shoal/index';
import type { LoopResult, SearchLoopData } from './search-loop.ts';

export interface ScalingOptions {
  /** Vectors of `dim` floats back to back. */
  readonly vectors: Float32Array;
  readonly queries: Float32Array;
  readonly dim: number;
  readonly ef: number;
  readonly windowCount: number;
  readonly windowMs: number;
}

export interface Scaling {
  readonly onePerSecond: number;
  readonly twoPerSecond: number;
  /** Median over pairs of neighbouring windows. */
  readonly ratio: number;
  /** The same for searches in a second of each thread's processor time, two threads having two of them: how much the threads slow each other down. */
  readonly cpuRatio: number;
}

const K = 10;
const RERANK = 2 * K;
const BITS = 8;
const SEED = 1;
const PAGES = 1 << 14;
const GROUP_ROWS = 100;

const median = (samples: readonly number[]): number => samples.toSorted((a, b) => a - b)[samples.length >> 1] ?? 0;

/** One index, and what two threads need to search it. */
function layOut({ vectors, queries, dim, ef }: ScalingOptions): readonly SearchLoopData[] {
  const module = compileKernel();
  const memory = createMemory(PAGES);
  const kernel = instantiateKernel(module, memory);
  kernel.initEngine(PAGES);
  const taken = (span: Address): Address => {
    assert(span !== 0, 'the memory is full');
    return span >>> 0;
  };
  const scratches = Array.from({ length: 3 }, () => taken(kernel.allocateScratch(1)));
  const staging = taken(kernel.allocateSpan(4 * Math.max(dim, GROUP_ROWS)));
  const index = taken(kernel.createIndex(dim, DISTANCE_CODES.l2, 16, 200, SEED, FLAT_THRESHOLD_DEFAULT, BITS, SEED, 0));
  const count = vectors.length / dim;
  for (let from = 0; from < count; from += GROUP_ROWS) {
    const ids = Uint32Array.from({ length: Math.min(GROUP_ROWS, count - from) }, (_, i) => from + i);
    new Uint32Array(memory.buffer).set(ids, staging / 4);
    assert(kernel.reserve(index, staging, ids.length, ids.length) !== 0, 'the memory is full');
    for (const id of ids) {
      new Float32Array(memory.buffer).set(vectors.subarray(id * dim, (id + 1) * dim), staging / 4);
      kernel.put(scratches[0] as Address, index, id, staging);
    }
    kernel.publish(index);
  }
  const asked = taken(kernel.allocateSpan(queries.byteLength));
  const answers = Array.from({ length: 2 }, () => taken(kernel.allocateSpan(ANSWER_HEADER_BYTES + 8 * K)));
  new Float32Array(memory.buffer).set(queries, asked / 4);
  return answers.map((answer, i) => (
    { module, memory, scratch: scratches[i + 1] as Address, index, queries: asked, queryCount: queries.length / dim, dim, k: K, ef, rerank: RERANK, answer }));
}

async function window(workers: readonly Worker[], windowMs: number): Promise<readonly LoopResult[]> {
  return Promise.all(workers.map(async (worker) => {
    const answered = once(worker, 'message') as Promise<[LoopResult]>;
    worker.postMessage(windowMs);
    return (await answered)[0];
  }));
}

const perSecond = (results: readonly LoopResult[], of: 'elapsedMs' | 'cpuMs'): number => results.reduce((sum, result) => sum + result.searches * 1_000 / result[of], 0);

/** Two threads beside one, each in a loop of its own over one index: nobody hands out work or takes answers. */
export async function threadScaling(options: ScalingOptions): Promise<Scaling> {
  const workers = layOut(options).map((workerData) => new Worker(new URL('./search-loop.ts', import.meta.url), { workerData }));
  try {
    await window(workers, options.windowMs);
    const pairs: { readonly one: readonly LoopResult[]; readonly two: readonly LoopResult[] }[] = [];
    for (let i = 0; i < options.windowCount; i++) {
      pairs.push({ one: await window(workers.slice(i % 2, i % 2 + 1), options.windowMs), two: await window(workers, options.windowMs) });
    }
    const ratioOf = (of: 'elapsedMs' | 'cpuMs'): number => median(pairs.map(({ one, two }) => perSecond(two, of) / perSecond(one, of)));
    return {
      onePerSecond: median(pairs.map(({ one }) => perSecond(one, 'elapsedMs'))), twoPerSecond: median(pairs.map(({ two }) => perSecond(two, 'elapsedMs'))),
      ratio: ratioOf('elapsedMs'), cpuRatio: ratioOf('cpuMs'),
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

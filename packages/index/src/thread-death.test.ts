import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Engine } from './engine.ts';
import { EngineFailedError } from './errors.ts';
import { FilterPool } from './filter-pool.ts';
import { RING_BYTES } from './request-ring.ts';
import { SearchBatch } from './search-batch.ts';
import { SearchThread } from './search-thread.ts';
import { compileKernel, createMemory, instantiateKernel } from '@shoal/kernel';
import { clusteredVectors } from './test-support/random-vectors.ts';

const DIM = 64;
const vectors = clusteredVectors(2, 3000, DIM);
const spec = { dim: DIM, distance: 'l2', m: 16, efConstruction: 200, seed: 1, flatThreshold: 10 } as const;

let workers: Worker[] = [];
const note = (worker: Worker): void => { workers.push(worker); };
beforeEach(() => {
  workers = [];
  process.on('worker', note);
});
afterEach(() => { process.off('worker', note); });

test.each([['writer', 0], ['search', 1]])('when the %s thread dies every caller is told, at once and later', async (_, at) => {
  const engine = await Engine.start({ memoryMaxBytes: 64 << 20, searchThreadCount: 1 });
  const index = await engine.openIndex(spec);
  await index.apply(vectors.slice(0, 500).map((vector, id) => ({ type: 'put', id, vector })));
  const underWay = [
    index.apply(vectors.slice(500).map((vector, i) => ({ type: 'put', id: 500 + i, vector }))),
    ...Array.from({ length: 500 }, () => index.search({ vector: vectors[0] as Float32Array, k: 500, ef: 4096, path: 'exact' })),
  ];
  const settled = Promise.allSettled(underWay);
  await (workers[at] as Worker).terminate();
  for (const outcome of (await settled).slice(-1)) {
    expect(outcome.status === 'rejected' && outcome.reason).toBeInstanceOf(EngineFailedError);
  }
  await expect(index.search({ vector: vectors[0] as Float32Array, k: 1, ef: 1, path: 'auto' })).rejects.toBeInstanceOf(EngineFailedError);
  await expect(index.apply([{ type: 'remove', id: 1 }])).rejects.toBeInstanceOf(EngineFailedError);
  await expect(engine.openIndex(spec)).rejects.toBeInstanceOf(EngineFailedError);
  await engine.close();
});

test('a trap in the kernel is the cause that callers read', async () => {
  const module = compileKernel();
  const memory = createMemory(256);
  const kernel = instantiateKernel(module, memory);
  kernel.initEngine(256);
  const data = { module, memory, scratch: kernel.allocateScratch(1), ring: kernel.allocateSpan(RING_BYTES) };
  const outOfBounds = 256 * 65_536;
  const failure = await new Promise<Error>((resolve) => {
    const thread: SearchThread = new SearchThread(data, new FilterPool(memory, 0, 0), () => undefined, (error) => { thread.fail(error); });
    const batch = new SearchBatch({
      index: outOfBounds, dim: 4, queries: new Float32Array(4), rerankCount: 0, places: 1, settings: { k: 1, ef: 1, path: 'flat' },
      resolve: () => { resolve(new Error('answered')); }, reject: resolve,
    });
    thread.submit(batch.take(1), 0);
  });
  expect(failure).toBeInstanceOf(EngineFailedError);
  expect(String(failure.cause)).toMatch(/memory access out of bounds/);
});

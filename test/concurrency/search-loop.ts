/** A thread that searches as fast as it can, without anybody in its way: its own kernel instance and working memory, queries in shared memory. */
import { parentPort, workerData } from 'node:worker_threads';
import { instantiateKernel, PATH_CODES, type Address, type WasmMemory, type WasmModule } from '@shoal/kernel';

export interface SearchLoopData {
  readonly module: WasmModule;
  readonly memory: WasmMemory;
  readonly scratch: Address;
  readonly index: Address;
  /** Queries back to back. */
  readonly queries: Address;
  readonly queryCount: number;
  readonly dim: number;
  readonly k: number;
  readonly ef: number;
  readonly rerank: number;
  readonly answer: Address;
}

export interface LoopResult {
  readonly searches: number;
  readonly elapsedMs: number;
  /** Processor time of the thread. */
  readonly cpuMs: number;
}

const { module, memory, scratch, index, queries, queryCount, dim, k, ef, rerank, answer } = workerData as SearchLoopData;
const kernel = instantiateKernel(module, memory);

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function loop(windowMs: number): LoopResult {
  const [beginMs, cpuBeginMs] = [performance.now(), cpuMs()];
  let searches = 0;
  while (performance.now() < beginMs + windowMs) {
    kernel.search(scratch, index, queries + (searches % queryCount) * dim * 4, k, ef, PATH_CODES.rabitq, rerank, 0, answer);
    searches++;
  }
  return { searches, elapsedMs: performance.now() - beginMs, cpuMs: cpuMs() - cpuBeginMs };
}

parentPort?.on('message', (windowMs: number) => { parentPort?.postMessage(loop(windowMs)); });

/** Many small embeddings in one process: what they cost, and whether one of them is slower for the others. */
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '@shoal/bench';
import type { ShoalClient } from '@shoal/client';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { processMemory } from '../harness/process-figures.ts';
import { vectorOf } from '../harness/workload.ts';

export interface ManyOptions {
  readonly embeddings: number;
  readonly vectors: number;
  readonly dim: number;
  readonly workers: number;
  /** Pairs of windows, alone and among the many in turns, and searches in each. */
  readonly windows: number;
  readonly windowSearches: number;
}

export interface Window {
  readonly p50: number;
  readonly p99: number;
}

export interface ManyReport {
  readonly registeredMs: number;
  readonly writtenMs: number;
  /** Searches of each embedding whose answer was not the vector asked for. */
  readonly wrong: number;
  readonly memory: { readonly empty: number; readonly filled: number; readonly restarted: number; readonly restartedPeak: number };
  readonly engineBytes: number;
  /** From the start of the process until every slot is served. */
  readonly restartMs: number;
  readonly emptyRestartMs: number;
  readonly wrongAfterRestart: number;
  readonly alone: readonly Window[];
  readonly among: readonly Window[];
}

const nameOf = (number: number): string => `small-${number}`;
const keyOf = (number: number, vector: number): string => `e${number}-v${vector}`;

export async function measureMany(options: ManyOptions): Promise<ManyReport> {
  const [many, single] = [await EmbeddedProcess.start({ SHOAL_DURABILITY: 'os' }), await EmbeddedProcess.start({ SHOAL_DURABILITY: 'os' })];
  try {
    return await new ManyRun(options, many, single).run();
  } finally {
    await many.close();
    await single.close();
  }
}

class ManyRun {
  readonly #options: ManyOptions;
  readonly #many: EmbeddedProcess;
  readonly #single: EmbeddedProcess;

  constructor(options: ManyOptions, many: EmbeddedProcess, single: EmbeddedProcess) {
    this.#options = options;
    this.#many = many;
    this.#single = single;
  }

  async run(): Promise<ManyReport> {
    const { embeddings } = this.#options;
    const empty = (await processMemory(this.#many.process.pid)).residentBytes;
    const client = this.#many.client({ timeoutMs: 30_000 });
    const registeredMs = await this.#forEach((number) => this.#register(client, number));
    const writtenMs = await this.#forEach((number) => this.#write(client, number));
    let wrong = 0;
    await this.#forEach(async (number) => void (wrong += (await this.#isFound(client, number)) ? 0 : 1));
    const filled = (await processMemory(this.#many.process.pid)).residentBytes;
    const [shard] = (await client.cluster()).shards;
    const last = embeddings - 1;
    await this.#register(this.#single.client(), last);
    await this.#write(this.#single.client(), last);
    const emptyRestartMs = await restart(this.#single);
    const restartMs = await restart(this.#many);
    let wrongAfterRestart = 0;
    await this.#forEach(async (number) => void (wrongAfterRestart += (await this.#isFound(client, number)) ? 0 : 1));
    const { residentBytes: restarted, peakBytes: restartedPeak } = await processMemory(this.#many.process.pid);
    const { alone, among } = await this.#paired(last);
    return {
      registeredMs, writtenMs, wrong, memory: { empty, filled, restarted, restartedPeak }, engineBytes: shard?.engineMemoryBytes ?? 0, restartMs, emptyRestartMs, wrongAfterRestart, alone, among,
    };
  }

  /** Some at a time; resolves with the time it took. */
  async #forEach(work: (number: number) => Promise<unknown>): Promise<number> {
    const startedMs = performance.now();
    let next = 0;
    await Promise.all(Array.from({ length: this.#options.workers }, async () => {
      while (next < this.#options.embeddings) {
        next += 1;
        await work(next - 1);
      }
    }));
    return performance.now() - startedMs;
  }

  async #register(client: ShoalClient, number: number): Promise<void> {
    await client.register({ name: nameOf(number), model: nameOf(number), dim: this.#options.dim, distance: 'l2' });
  }

  async #write(client: ShoalClient, number: number): Promise<void> {
    const vectors = Array.from({ length: this.#options.vectors }, (_, vector) => ({ key: keyOf(number, vector), values: vectorOf(keyOf(number, vector), 0, this.#options.dim) }));
    await client.embedding(nameOf(number)).upsert(vectors, { wait: 'applied' });
  }

  async #isFound(client: ShoalClient, number: number): Promise<boolean> {
    const key = keyOf(number, number % this.#options.vectors);
    const { hits } = await client.embedding(nameOf(number)).search({ vector: vectorOf(key, 0, this.#options.dim), k: 3 });
    return hits[0]?.key === key && hits.length === Math.min(3, this.#options.vectors);
  }

  /** Searches of one embedding where it is alone and where it is one of many, in turns. */
  async #paired(number: number): Promise<{ readonly alone: Window[]; readonly among: Window[] }> {
    const [alone, among]: [Window[], Window[]] = [[], []];
    for (let window = 0; window < this.#options.windows; window += 1) {
      alone.push(await this.#window(this.#single.client(), number));
      among.push(await this.#window(this.#many.client(), number));
    }
    return { alone, among };
  }

  async #window(client: ShoalClient, number: number): Promise<Window> {
    const times: number[] = [];
    for (let i = 0; i < this.#options.windowSearches; i += 1) {
      const startedMs = performance.now();
      await this.#isFound(client, number);
      times.push(performance.now() - startedMs);
    }
    return { p50: percentile(times, 50), p99: percentile(times, 99) };
  }
}

async function restart(node: EmbeddedProcess): Promise<number> {
  await node.process.end('SIGTERM');
  const startedMs = performance.now();
  node.process.start();
  for (;;) {
    if (await fetch(`${node.url}/readyz`).then(({ ok }) => ok, () => false)) return performance.now() - startedMs;
    if (!node.process.running || performance.now() - startedMs > 600_000) throw new Error(`the node did not come back:\n${node.process.output}`);
    await sleep(10);
  }
}

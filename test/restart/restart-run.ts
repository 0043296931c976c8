/** Loads an embedded node, ends it and starts it again, and measures how soon it answers, with what memory, and whether it answers as before. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusteredVectors } from '@shoal/bench';
import type { EmbeddingHandle } from '@shoal/client';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { evict, filesBelow, processMemory, processorMs, readThrough } from '../harness/process-figures.ts';

export interface RestartOptions {
  readonly count: number;
  readonly dim: number;
  readonly efConstruction: number;
  readonly restarts: number;
  readonly queries: number;
  readonly seed: number;
  readonly withoutFiles: boolean;
}

export interface Start {
  readonly tookMs: number;
  /** Processor time of the process until then: what the machine does besides moves it less. */
  readonly processorMs: number;
}

export interface Restart {
  readonly how: string;
  /** From the start of the process to the first answer to a search. */
  readonly answered: Start;
  /** The same for a node without vectors, right before. */
  readonly empty: Start;
  readonly peakBytes: number;
  /** After the queries and a pause. */
  readonly steadyBytes: number;
  readonly recall: number;
  /** Answers that are the same, keys and distances, as before the first restart. */
  readonly sameAnswers: number;
}

export interface RestartReport {
  readonly loadMs: number;
  readonly recallBefore: number;
  /** Memory of the process that was loaded, after the queries. */
  readonly loadedBytes: number;
  /** Reading the files of indexes, and the rows, with cold caches. */
  readonly indexFiles: { readonly byteCount: number; readonly tookMs: number };
  readonly rowFiles: { readonly byteCount: number; readonly tookMs: number };
  readonly restarts: readonly Restart[];
}

const K = 10;
const EF = 100;
const BATCH = 1_000;
const NAME = 'restarted';

class RestartRun {
  readonly #options: RestartOptions;
  readonly #node: EmbeddedProcess;
  readonly #empty: EmbeddedProcess;
  readonly #vectors: Float32Array;
  #answersBefore: string[] = [];

  constructor(options: RestartOptions, node: EmbeddedProcess, empty: EmbeddedProcess) {
    this.#options = options;
    this.#node = node;
    this.#empty = empty;
    const { count, dim, queries, seed } = options;
    this.#vectors = clusteredVectors({ seed, count: count + queries, dim, intrinsicDim: 16, clusterCount: 200 });
  }

  get #indexes(): string {
    return join(this.#node.directory, 'shard', 'indexes');
  }

  #vector(row: number): Float32Array {
    const { dim } = this.#options;
    return this.#vectors.subarray(row * dim, (row + 1) * dim);
  }

  #embedding(): EmbeddingHandle {
    return this.#node.client({ timeoutMs: 60_000, retries: 0 }).embedding(NAME);
  }

  async run(): Promise<RestartReport> {
    const loadMs = await this.#load();
    const recallBefore = (await this.#ask()).recall;
    const loadedBytes = (await processMemory(this.#node.process.pid)).residentBytes;
    const restarts: Restart[] = [];
    for (let i = 0; i < this.#options.restarts; i += 1) restarts.push(await this.#restart('SIGTERM'));
    await this.#fileWritten();
    restarts.push(await this.#restart('SIGKILL'));
    if (this.#options.withoutFiles) restarts.push(await this.#restart('SIGTERM', true));
    await this.#node.process.end('SIGTERM');
    return { loadMs, recallBefore, loadedBytes, indexFiles: await this.#readCold(this.#indexes), rowFiles: await this.#readCold(join(this.#node.directory, 'shard', 'store')), restarts };
  }

  async #load(): Promise<number> {
    const { count, dim, efConstruction } = this.#options;
    const client = this.#node.client({ timeoutMs: 60_000 });
    await client.register({ name: NAME, model: 'bench', dim, distance: 'l2', hnsw: { m: 16, efConstruction } });
    const embedding = client.embedding(NAME);
    const startedMs = performance.now();
    for (let from = 0; from < count; from += BATCH) {
      const vectors = Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => ({ key: `key-${from + i}`, values: this.#vector(from + i) }));
      const { receipt } = await embedding.upsert(vectors);
      // The log takes writes faster than a graph is built: what is not applied yet stays small, so that no question waits long.
      if ((from / BATCH) % 4 === 3) await embedding.waitUntilApplied(receipt, { timeoutMs: 60_000 });
    }
    while ((await embedding.count()) < count) await sleep(100);
    return performance.now() - startedMs;
  }

  /** The file of the index is taken when writes pause: once there is one that no other follows. */
  async #fileWritten(): Promise<void> {
    await sleep(12_000);
    while ((await filesBelow(this.#indexes)).some((name) => !name.endsWith('.index'))) await sleep(200);
  }

  async #restart(signal: 'SIGTERM' | 'SIGKILL', withoutFiles = false): Promise<Restart> {
    await this.#node.process.end(signal);
    if (withoutFiles) for (const file of await filesBelow(this.#indexes)) await rm(file);
    await this.#empty.process.end('SIGTERM');
    const empty = await start(this.#empty, async () => (await fetch(`${this.#empty.url}/readyz`)).ok);
    await evict(await filesBelow(this.#node.directory));
    const embedding = this.#embedding();
    const answered = await start(this.#node, async () => (await embedding.search({ vector: this.#vector(0), k: 1 })).hits.length === 1);
    const { recall, sameAnswers } = await this.#ask();
    await sleep(2_000);
    const { residentBytes, peakBytes } = await processMemory(this.#node.process.pid);
    return { how: `${signal}${withoutFiles ? ', files removed' : ''}`, answered, empty, peakBytes, steadyBytes: residentBytes, recall, sameAnswers };
  }

  /** Recall@10 of walks against scans, and how many answers are those of the first time. */
  async #ask(): Promise<{ readonly recall: number; readonly sameAnswers: number }> {
    const { count, queries } = this.#options;
    const embedding = this.#embedding();
    let found = 0;
    const answers: string[] = [];
    for (let i = 0; i < queries; i += 1) {
      const vector = this.#vector(count + i);
      const walked = (await embedding.search({ vector, k: K, ef: EF })).hits;
      const exact = new Set((await embedding.search({ vector, k: K, path: 'flat' })).hits.map(({ key }) => key));
      found += walked.filter(({ key }) => exact.has(key)).length;
      answers.push(JSON.stringify(walked.map(({ key, distance }) => [key, distance])));
    }
    if (this.#answersBefore.length === 0) this.#answersBefore = answers;
    return { recall: found / (queries * K), sameAnswers: answers.filter((answer, i) => answer === this.#answersBefore[i]).length };
  }

  async #readCold(directory: string): Promise<{ readonly byteCount: number; readonly tookMs: number }> {
    const files = await filesBelow(directory);
    await evict(files);
    return readThrough(files);
  }
}

/** Starts a node and asks until it answers. */
async function start(node: EmbeddedProcess, isAnswered: () => Promise<boolean>): Promise<Start> {
  const startedMs = performance.now();
  node.process.start();
  for (;;) {
    if (await isAnswered().catch(() => false)) return { tookMs: performance.now() - startedMs, processorMs: await processorMs(node.process.pid) };
    if (!node.process.running) throw new Error(`the node ended:\n${node.process.output}`);
    await sleep(5);
  }
}

export async function measureRestart(options: RestartOptions): Promise<RestartReport> {
  const [node, empty] = [await EmbeddedProcess.start({ SHOAL_DURABILITY: 'os' }), await EmbeddedProcess.start({ SHOAL_DURABILITY: 'os' })];
  try {
    return await new RestartRun(options, node, empty).run();
  } finally {
    await node.close();
    await empty.close();
  }
}

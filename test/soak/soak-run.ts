import { setTimeout as delay } from 'node:timers/promises';
import { clusteredVectors } from '@shoal/bench';
import { Engine } from '@shoal/index';
import type { CodeBits, IndexOp, SearchHits, SearchRequest, VectorIndex, VectorMemory } from '@shoal/index';
import { SeededChoice } from '../fuzz/seeded-choice.ts';
import { completenessOf, faultsOf } from './answer-check.ts';
import { LifeRecord } from './life-record.ts';
import { RecordedVectors } from './recorded-vectors.ts';

export interface SoakOptions {
  /** Ids in use at most; about half of them live. */
  readonly idCount: number;
  readonly dim: number;
  readonly bits: CodeBits;
  /** What the index keeps; default `full`. */
  readonly memory?: VectorMemory;
  readonly seed: number;
  readonly readerCount: number;
  readonly searchThreadCount: number;
  readonly durationMs: number;
  /** Pause of each reader and of the writer between their calls, so that others have the processor too. */
  readonly pauseMs: number;
  /** The run ends when it has found so many faults. */
  readonly faultCountMax?: number;
  /** What readers and writer use in place of the index; for tests of the checks. */
  readonly replaceIndex?: (index: VectorIndex) => VectorIndex;
  readonly reportEveryMs: number;
  readonly onReport: (report: SoakReport) => void;
}

export interface SoakReport {
  groups: number;
  inserts: number;
  updates: number;
  deletes: number;
  searches: number;
  /** Searches compared with a scan of everything. */
  compared: number;
  recallSum: number;
  usedBytes: number;
  readonly paths: Map<string, number>;
  readonly faults: string[];
}

const FAULT_COUNT_MAX = 20;
const GROUP_OPS_MAX = 30;
const K = 10;
/** Share of the readers' calls that ask several queries at once, and how many at most. */
const BATCH_SHARE = 0.2;
const BATCH_QUERIES_MAX = 40;

class Soak {
  readonly report: SoakReport = { groups: 0, inserts: 0, updates: 0, deletes: 0, searches: 0, compared: 0, recallSum: 0, usedBytes: 0, paths: new Map(), faults: [] };
  readonly #options: SoakOptions;
  readonly #index: VectorIndex;
  readonly #record: LifeRecord;
  readonly #live: number[] = [];
  readonly #free: number[];
  readonly #choice: SeededChoice;
  readonly #pool: Float32Array;
  /** Published stamps at which the searches under way began, by reader. */
  readonly #begunAt: number[];
  #stamp: number;
  readonly #onFaults: () => void;

  /** `onFaults` is called when there are as many faults as the run may have. */
  constructor(index: VectorIndex, record: LifeRecord, options: SoakOptions, onFaults: () => void) {
    this.#index = index;
    this.#record = record;
    this.#onFaults = onFaults;
    this.#options = options;
    this.#stamp = index.publishedStamp();
    this.#choice = new SeededChoice(options.seed);
    this.#pool = clusteredVectors({ seed: options.seed, count: 20_000, dim: options.dim, intrinsicDim: Math.min(24, options.dim), clusterCount: 50 });
    this.#free = Array.from({ length: options.idCount }, (_, id) => id);
    this.#begunAt = Array.from({ length: options.readerCount }, () => Infinity);
  }

  /** A vector that no other has: one of the pool, moved a little. */
  #vector(): Float32Array {
    const { dim } = this.#options;
    const row = this.#choice.below(this.#pool.length / dim);
    return this.#pool.slice(row * dim, (row + 1) * dim).map((value) => value + 0.2 * (this.#choice.next() - 0.5));
  }

  /** A group of inserts, updates (a delete and an insert that become visible together) and deletes, noted as it is made. */
  #group(): IndexOp[] {
    const ops: IndexOp[] = [];
    const stamp = this.#stamp + 1;
    const freed: number[] = [];
    const remove = (): void => {
      const at = this.#choice.below(this.#live.length);
      const id = this.#live[at] as number;
      this.#live[at] = this.#live.at(-1) as number;
      this.#live.pop();
      this.#record.end(id, stamp);
      freed.push(id);
      ops.push({ type: 'remove', id });
    };
    // Only ids that lived before the group leave it, so those it puts are added at its end.
    const put: number[] = [];
    const insert = (): void => {
      const id = this.#free.shift() as number;
      const vector = this.#vector();
      this.#record.begin(id, vector, stamp);
      put.push(id);
      ops.push({ type: 'put', id, vector });
    };
    const wanted = 1 + this.#choice.below(GROUP_OPS_MAX);
    const fill = this.#live.length / this.#options.idCount;
    while (ops.length < wanted) {
      const kind = this.#choice.next();
      if (kind < 0.4 && this.#live.length > 0 && this.#free.length > 0) { remove(); insert(); this.report.updates++; }
      else if (kind < 0.4 + 0.6 * (1 - fill) && this.#free.length > 0) { insert(); this.report.inserts++; }
      else if (this.#live.length > 0) { remove(); this.report.deletes++; }
    }
    this.#live.push(...put);
    this.#free.push(...freed);
    return ops;
  }

  async write(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#index.apply(this.#group());
      this.#stamp += 1;
      this.report.groups++;
      if (this.#index.publishedStamp() !== this.#stamp) this.#fault(`published stamp ${this.#index.publishedStamp()} after group ${this.#stamp}`);
      if (this.report.groups % 100 === 0) this.#record.forgetBefore(Math.min(this.#stamp, ...this.#begunAt));
      await delay(this.#options.pauseMs);
    }
  }

  async read(reader: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const request: SearchRequest = { vector: this.#vector(), k: K, ef: 64, path: this.#choice.of(['rabitq', 'rabitq', 'exact', 'auto', 'flat'] as const) };
      const begunAt = this.#index.publishedStamp();
      this.#begunAt[reader] = begunAt;
      if (this.#choice.chance(BATCH_SHARE)) await this.#searchMany(request, begunAt);
      else this.#check(request, await this.#index.search(request), begunAt);
      this.#begunAt[reader] = Infinity;
      await delay(this.#options.pauseMs);
    }
  }

  async #searchMany({ vector, ...settings }: SearchRequest, begunAt: number): Promise<void> {
    const vectors = [vector, ...Array.from({ length: this.#choice.below(BATCH_QUERIES_MAX) }, () => this.#vector())];
    const queries = new Float32Array(vectors.length * this.#options.dim);
    vectors.forEach((query, at) => { queries.set(query, at * this.#options.dim); });
    const answers = await this.#index.searchMany(queries, settings);
    if (answers.length !== vectors.length) this.#fault(`${answers.length} answers to ${vectors.length} queries`);
    answers.forEach((hits, at) => { this.#check({ ...settings, vector: vectors[at] as Float32Array }, hits, begunAt); });
  }

  #check(request: SearchRequest, hits: SearchHits, begunAt: number): void {
    for (const fault of faultsOf(request, hits, this.#record, begunAt)) this.#fault(fault);
    if (this.#choice.chance(0.1)) {
      const { faults, recall } = completenessOf(request, hits, this.#record);
      for (const fault of faults) this.#fault(fault);
      this.report.compared++;
      this.report.recallSum += recall;
    }
    this.report.searches++;
    this.report.paths.set(hits.path, (this.report.paths.get(hits.path) ?? 0) + 1);
  }

  #fault(fault: string): void {
    const most = this.#options.faultCountMax ?? FAULT_COUNT_MAX;
    if (this.report.faults.length < most) this.report.faults.push(fault);
    if (this.report.faults.length === most) this.#onFaults();
  }
}

/** Readers and one writer on one engine for a while; every answer is checked against what lived at the stamp it saw. */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  let failure: Error | undefined;
  const engine = await Engine.start({ memoryMaxBytes: 1 << 29, searchThreadCount: options.searchThreadCount, onFailure: (error) => { failure = error; } });
  const { dim, seed, bits, memory = 'full' } = options;
  const record = new LifeRecord();
  const vectors = new RecordedVectors(record, () => index.publishedStamp());
  const index = await engine.openIndex({ dim, distance: 'l2', m: 16, efConstruction: 100, seed, flatThreshold: 200, rabitq: { bits, seed, memory } }, vectors);
  const end = new AbortController();
  const soak = new Soak(options.replaceIndex?.(index) ?? index, record, options, () => { end.abort(); });
  const ticker = setInterval(() => {
    soak.report.usedBytes = engine.stats().usedBytes;
    options.onReport(soak.report);
  }, options.reportEveryMs);
  const timer = setTimeout(() => { end.abort(); }, options.durationMs);
  const ends = (work: Promise<void>): Promise<void> => work.finally(() => { end.abort(); });
  try {
    await Promise.all([
      ends(soak.write(end.signal)), ...Array.from({ length: options.readerCount }, (_, reader) => ends(soak.read(reader, end.signal)))]);
    if (failure !== undefined) throw failure;
    soak.report.usedBytes = engine.stats().usedBytes;
    return soak.report;
  } finally {
    clearInterval(ticker);
    clearTimeout(timer);
    await engine.close();
  }
}

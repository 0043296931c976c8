import { clusteredVectors } from '@shoal/bench';
import { LocalEngine } from '@shoal/index';
import type { CodeBits, IndexOp, LocalIndex } from '@shoal/index';
import { SeededChoice } from '../fuzz/seeded-choice.ts';

export interface ChurnOptions {
  readonly count: number;
  readonly dim: number;
  readonly rounds: number;
  /** Share of the vectors that each round deletes, and inserts anew. */
  readonly share: number;
  readonly bits: CodeBits;
  readonly seed: number;
  readonly queryCount: number;
  /** Times each index is measured; the two take turns, medians count. */
  readonly repetitions: number;
  readonly efs: readonly number[];
  readonly onRound: (line: string) => void;
}

export interface BeamComparison {
  readonly ef: number;
  readonly churnedRecall: number;
  readonly freshRecall: number;
  /** Median over pairs of the churned index's searches/s to those of the fresh one measured right beside it. */
  readonly speedRatio: number;
}

export interface ChurnReport {
  readonly comparisons: readonly BeamComparison[];
  readonly unreachableAfterRounds: readonly number[];
  readonly freshUnreachable: number;
  /** Before the first round and after each. */
  readonly memoryBytes: readonly number[];
  readonly freshMemoryBytes: number;
}

const K = 10;
const GROUP_OPS = 100;

/** Vectors of an index that come and go; freed ids are used again, so that the index needs no more room than it has. */
class Churn {
  readonly held = new Map<number, Float32Array>();
  readonly index: LocalIndex;
  readonly #choice: SeededChoice;
  readonly #next: () => Float32Array;

  constructor(index: LocalIndex, seed: number, next: () => Float32Array) {
    this.index = index;
    this.#choice = new SeededChoice(seed);
    this.#next = next;
  }

  put(ids: readonly number[]): void {
    inGroups(this.index, ids.map((id): IndexOp => {
      const vector = this.#next();
      this.held.set(id, vector);
      return { type: 'put', id, vector };
    }));
  }

  round(share: number): void {
    const ids = [...this.held.keys()];
    const leaving = Array.from({ length: Math.round(ids.length * share) }, () => {
      const [id] = ids.splice(this.#choice.below(ids.length), 1);
      return id as number;
    });
    inGroups(this.index, leaving.map((id): IndexOp => ({ type: 'remove', id })));
    this.put(leaving);
  }
}

function inGroups(index: LocalIndex, ops: readonly IndexOp[]): void {
  for (let from = 0; from < ops.length; from += GROUP_OPS) index.apply(ops.slice(from, from + GROUP_OPS));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

function recallOf(index: LocalIndex, queries: readonly Float32Array[], ef: number, truth: readonly ReadonlySet<number>[]): number {
  let found = 0;
  queries.forEach((vector, at) => {
    for (const id of index.search({ vector, k: K, ef, path: 'rabitq' }).ids) if (truth[at]?.has(id) === true) found++;
  });
  return found / (K * queries.length);
}

/** By the processor time of this thread: other processes take turns with it, and would count for whichever index they met. */
function searchesPerCpuMs(index: LocalIndex, queries: readonly Float32Array[], ef: number): number {
  const before = process.threadCpuUsage();
  for (const vector of queries) index.search({ vector, k: K, ef, path: 'rabitq' });
  const { user, system } = process.threadCpuUsage(before);
  return queries.length / ((user + system) / 1_000);
}

function compare(churned: LocalIndex, fresh: LocalIndex, queries: readonly Float32Array[], options: ChurnOptions): BeamComparison[] {
  const truth = queries.map((vector) => new Set(fresh.search({ vector, k: K, ef: K, path: 'flat' }).ids));
  return options.efs.map((ef) => {
    const churnedRecall = recallOf(churned, queries, ef, truth);
    const freshRecall = recallOf(fresh, queries, ef, truth);
    const ratios = Array.from({ length: options.repetitions }, (_, turn) => {
      // Whoever goes second finds a warmer processor: they swap.
      const [first, second] = turn % 2 === 0 ? [churned, fresh] : [fresh, churned];
      const [a, b] = [searchesPerCpuMs(first, queries, ef), searchesPerCpuMs(second, queries, ef)];
      return turn % 2 === 0 ? a / b : b / a;
    });
    return { ef, churnedRecall, freshRecall, speedRatio: median(ratios) };
  });
}

/** Churns an index for the rounds, then holds it beside one freshly built of the same vectors under the same ids. */
export function runChurn(options: ChurnOptions): ChurnReport {
  const { count, dim, rounds, share, seed } = options;
  const turnover = Math.round(count * share) * rounds;
  const all = clusteredVectors({ seed, count: count + turnover + options.queryCount, dim, intrinsicDim: Math.min(24, dim), clusterCount: 100 });
  const vectorAt = (row: number): Float32Array => all.subarray(row * dim, (row + 1) * dim);
  let row = options.queryCount;
  const queries = Array.from({ length: options.queryCount }, (_, query) => vectorAt(query));
  const engine = LocalEngine.start();
  const spec = { dim, distance: 'l2', m: 16, efConstruction: 200, seed, rabitq: { bits: options.bits, seed } } as const;
  const churn = new Churn(engine.openIndex(spec), seed, () => vectorAt(row++));
  churn.put(Array.from({ length: count }, (_, id) => id));
  const memoryBytes = [churn.index.stats().memoryBytes];
  const unreachableAfterRounds: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    churn.round(share);
    memoryBytes.push(churn.index.stats().memoryBytes);
    unreachableAfterRounds.push(churn.index.unreachableCount());
    options.onRound(`round ${round}: ${churn.index.unreachableCount()} unreachable, ${churn.index.stats().memoryBytes} bytes`);
  }
  const fresh = engine.openIndex(spec);
  inGroups(fresh, [...churn.held].map(([id, vector]): IndexOp => ({ type: 'put', id, vector })));
  return {
    comparisons: compare(churn.index, fresh, queries, options), unreachableAfterRounds,
    freshUnreachable: fresh.unreachableCount(), memoryBytes, freshMemoryBytes: fresh.stats().memoryBytes,
  };
}

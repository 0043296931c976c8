import { LocalEngine } from '@shoal/index';
import type { IndexSpec, LocalIndex } from '@shoal/index';
import { meanRecall, median } from './speed-at-recall.ts';

export interface ChurnOptions {
  readonly spec: IndexSpec;
  /** Vectors of the first fill and of all that come later, in this order. */
  readonly vectors: readonly Float32Array[];
  readonly queries: readonly Float32Array[];
  /** Live vectors throughout. */
  readonly liveCount: number;
  readonly rounds: number;
  /** Part of the live vectors that each round removes and replaces. */
  readonly share: number;
  readonly k: number;
  readonly ef: number;
  /** Times all queries are asked of both indexes, which take turns every few queries; the medians count. */
  readonly repetitions: number;
  /** Uniform in (0, 1]. */
  readonly random: () => number;
  /** Milliseconds of processor time that this process has had: what others do with the machine meanwhile hardly counts. */
  readonly cpuMs: () => number;
  readonly say: (line: string) => void;
}

export interface ChurnResult {
  readonly churnedRecall: number;
  readonly freshRecall: number;
  /** Live vectors that a wide search for that very vector does not find, in the churned index and in the fresh one. */
  readonly unfoundCount: number;
  readonly freshUnfoundCount: number;
  /** Live vectors of the churned index that no path of edges leads to. */
  readonly unreachableCount: number;
  /** Bytes of the index after each round; ids are reused from the first on. */
  readonly roundBytes: readonly number[];
  /** Searches in a second of processor time. */
  readonly churnedSearchesPerSecond: number;
  readonly freshSearchesPerSecond: number;
  /** Speed of the churned index in that of the fresh one: the median over neighbouring turns. */
  readonly speedRatio: number;
  /** Distances a search computes, on average. */
  readonly churnedDistances: number;
  readonly freshDistances: number;
}

const GROUP_OPS = 100;
/** Beam width of the search for a vector by itself. */
const SELF_EF = 200;

function applyInGroups<T>(items: readonly T[], apply: (group: readonly T[]) => void): void {
  for (let from = 0; from < items.length; from += GROUP_OPS) apply(items.slice(from, from + GROUP_OPS));
}

function put(index: LocalIndex, entries: readonly (readonly [number, Float32Array])[]): void {
  applyInGroups(entries, (group) => { index.apply(group.map(([id, vector]) => ({ type: 'put', id, vector }))); });
}

/** Removes and replaces a random part of the live vectors, under the same ids; returns the number of vectors used so far. */
function churnRound(index: LocalIndex, live: Map<number, Float32Array>, used: number, options: ChurnOptions): number {
  const ids = [...live.keys()].filter(() => options.random() < options.share);
  applyInGroups(ids, (group) => { index.apply(group.map((id) => ({ type: 'remove', id }))); });
  const entries = ids.map((id, i) => [id, options.vectors[(used + i) % options.vectors.length] as Float32Array] as const);
  put(index, entries);
  for (const [id, vector] of entries) live.set(id, vector);
  return used + ids.length;
}

interface Searched {
  readonly found: Uint32Array[];
  /** Distances computed per search. */
  readonly distances: number;
}

function searchAll(index: LocalIndex, { queries, k, ef }: ChurnOptions): Searched {
  const hits = queries.map((vector) => index.search({ vector, k, ef, path: 'auto' }));
  const distances = hits.reduce((sum, hit) => sum + hit.distanceComputations, 0) / queries.length;
  return { found: hits.map(({ ids }) => ids), distances };
}

/** Queries of one turn: short, so that neighbouring turns meet the same machine. */
const TURN_QUERIES = 100;

function turnSpeed(index: LocalIndex, from: number, { queries, k, ef, cpuMs }: ChurnOptions): number {
  const asked = queries.slice(from, from + TURN_QUERIES);
  const startMs = cpuMs();
  for (const vector of asked) index.search({ vector, k, ef, path: 'auto' });
  return asked.length / (cpuMs() - startMs) * 1000;
}

interface Speeds {
  readonly churned: number;
  readonly fresh: number;
}

/** The speeds of turns over the same queries; the indexes take turns in going first. */
function speedsInTurns(churned: LocalIndex, fresh: LocalIndex, options: ChurnOptions): Speeds[] {
  const speeds: Speeds[] = [];
  for (let repetition = 0; repetition < options.repetitions; repetition++) {
    for (let from = 0; from < options.queries.length; from += TURN_QUERIES) {
      const isChurnedFirst = speeds.length % 2 === 0;
      const first = turnSpeed(isChurnedFirst ? churned : fresh, from, options);
      const second = turnSpeed(isChurnedFirst ? fresh : churned, from, options);
      speeds.push(isChurnedFirst ? { churned: first, fresh: second } : { churned: second, fresh: first });
    }
  }
  return speeds;
}

/** Whether a search for the vector finds it, or another at distance 0. */
function findsItself(index: LocalIndex, id: number, vector: Float32Array): boolean {
  const { ids, distances } = index.search({ vector, k: 1, ef: SELF_EF, path: 'auto' });
  return ids[0] === id || distances[0] === 0;
}

function countUnfound(index: LocalIndex, live: ReadonlyMap<number, Float32Array>): number {
  return [...live].filter(([id, vector]) => !findsItself(index, id, vector)).length;
}

/** Replaces part of an index again and again, then compares it with one built freshly from the vectors that are left. */
export function measureChurn(options: ChurnOptions): ChurnResult {
  const engine = LocalEngine.start();
  const live = new Map(options.vectors.slice(0, options.liveCount).map((vector, id) => [id, vector]));
  const churned = engine.openIndex(options.spec);
  put(churned, [...live]);
  let used = options.liveCount;
  const roundBytes: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    used = churnRound(churned, live, used, options);
    roundBytes.push(churned.stats().memoryBytes);
    options.say(`round ${round + 1}: ${used - options.liveCount} vectors replaced so far, ${churned.stats().memoryBytes} bytes`);
  }
  const fresh = engine.openIndex(options.spec);
  put(fresh, [...live]);
  const truth = options.queries.map((vector) => fresh.search({ vector, k: options.k, ef: 1, path: 'flat' }).ids);
  const [searched, reference] = [searchAll(churned, options), searchAll(fresh, options)];
  const speeds = speedsInTurns(churned, fresh, options);
  return {
    churnedRecall: meanRecall(searched.found, truth),
    freshRecall: meanRecall(reference.found, truth),
    churnedDistances: searched.distances,
    freshDistances: reference.distances,
    unfoundCount: countUnfound(churned, live),
    freshUnfoundCount: countUnfound(fresh, live),
    unreachableCount: churned.unreachableCount(),
    roundBytes,
    churnedSearchesPerSecond: median(speeds.map((speed) => speed.churned)),
    freshSearchesPerSecond: median(speeds.map((speed) => speed.fresh)),
    speedRatio: median(speeds.map((speed) => speed.churned / speed.fresh)),
  };
}

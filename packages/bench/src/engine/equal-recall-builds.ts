import type { EngineBenchmarkOptions } from './engine-benchmark.ts';
import type { MeasuredEngine } from './measured-engine.ts';
import { meanRecall, median } from './speed-at-recall.ts';

export interface EqualRecallOptions extends Pick<EngineBenchmarkOptions, 'data' | 'queries' | 'truth' | 'repetitions' | 'nowMs' | 'say'> {
  /** Width of the searches by which graphs are compared. */
  readonly ef: number;
  /** Start empty engines; each is built once and closed. */
  readonly peers: readonly (() => MeasuredEngine)[];
  readonly own: (efConstruction: number) => MeasuredEngine;
  /** Ascending. */
  readonly efConstructions: readonly number[];
}

export interface EqualRecallBuild {
  readonly peer: string;
  readonly peerRecall: number;
  readonly peerInsertsPerSecond: number;
  /** The narrowest of ours whose graph answers at least as well; undefined where none does. */
  readonly efConstruction: number | undefined;
  readonly recall: number;
  readonly insertsPerSecond: number;
  /** Our inserts/s over the peer's: the median of the turns. */
  readonly ratio: number;
}

interface Built {
  readonly name: string;
  readonly recall: number;
  readonly speeds: number[];
}

/** Compares the speed of building graphs that answer equally well, not of those that were built with equal parameters. */
export function buildsAtEqualRecall(options: EqualRecallOptions): EqualRecallBuild[] {
  const { peers, own, efConstructions, repetitions } = options;
  const theirs = peers.map((start) => buildOnce(start, options));
  const ours = new Map<number, Built>();
  const best = Math.max(...theirs.map(({ recall }) => recall));
  for (const efConstruction of efConstructions) {
    const built = buildOnce(() => own(efConstruction), options);
    ours.set(efConstruction, built);
    if (built.recall >= best) break;
  }
  const chosen = theirs.map(({ recall }) => [...ours].find(([, built]) => built.recall >= recall)?.[0]);
  for (let turn = 1; turn < repetitions; turn++) {
    peers.forEach((start, i) => { theirs[i]?.speeds.push(...buildOnce(start, options).speeds); });
    for (const efConstruction of new Set(chosen)) {
      if (efConstruction !== undefined) ours.get(efConstruction)?.speeds.push(...buildOnce(() => own(efConstruction), options).speeds);
    }
  }
  return theirs.map((peer, i) => compared(peer, chosen[i], ours));
}

function compared(peer: Built, efConstruction: number | undefined, ours: ReadonlyMap<number, Built>): EqualRecallBuild {
  const mine = efConstruction === undefined ? undefined : ours.get(efConstruction);
  return {
    peer: peer.name, peerRecall: peer.recall, peerInsertsPerSecond: median(peer.speeds), efConstruction,
    recall: mine?.recall ?? 0, insertsPerSecond: mine === undefined ? 0 : median(mine.speeds),
    ratio: mine === undefined ? 0 : median(mine.speeds.map((speed, turn) => speed / (peer.speeds[turn] ?? speed))),
  };
}

function buildOnce(start: () => MeasuredEngine, { data, queries, truth, ef, nowMs, say }: EqualRecallOptions): Built {
  const engine = start();
  const startMs = nowMs();
  engine.build(data);
  const speed = data.count / (nowMs() - startMs) * 1000;
  engine.setEf(ef);
  const k = truth[0]?.length ?? 0;
  const found = Array.from({ length: queries.count }, (_, query) => engine.search(query, k));
  const recall = meanRecall(found, truth);
  engine.close();
  say(`${engine.name}: ${speed.toFixed(0)} inserts/s, recall ${recall.toFixed(4)} at ef ${ef}`);
  return { name: engine.name, recall, speeds: [speed] };
}

/** One line per peer. */
export function equalRecallTable(builds: readonly EqualRecallBuild[]): string {
  return builds.map(({ peer, peerRecall, peerInsertsPerSecond, efConstruction, recall, insertsPerSecond, ratio }) => (efConstruction === undefined
    ? `${peer}: recall ${peerRecall.toFixed(4)}, which none of ours reaches`
    : `${peer}: recall ${peerRecall.toFixed(4)}, ${peerInsertsPerSecond.toFixed(0)} inserts/s; ours with efConstruction ${efConstruction}: recall ${recall.toFixed(4)}, ${
      insertsPerSecond.toFixed(0)} inserts/s, ${ratio.toFixed(2)} times as many`)).join('\n');
}

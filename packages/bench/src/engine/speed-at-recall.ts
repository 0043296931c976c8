/** Recall and speed at one beam width. */
export interface SweepPoint {
  readonly ef: number;
  /** Mean share of the true nearest, 0 to 1. */
  readonly recall: number;
  readonly searchesPerSecond: number;
}

export interface SpeedAtRecall {
  readonly searchesPerSecond: number;
  /** `measured` lies between two points; `atLeast`: the least beam width exceeds the recall already. */
  readonly kind: 'measured' | 'atLeast';
}

/**
 * Searches per second at a recall, between the two neighbouring points of a sweep: linear in log speed over recall. Undefined where
 * no point reaches the recall.
 */
export function speedAtRecall(sweep: readonly SweepPoint[], recall: number): SpeedAtRecall | undefined {
  const points = [...sweep].sort((a, b) => a.ef - b.ef);
  const above = points.findIndex((point) => point.recall >= recall);
  const high = points[above];
  if (high === undefined) return undefined;
  const low = points[above - 1];
  if (low === undefined) return { searchesPerSecond: high.searchesPerSecond, kind: 'atLeast' };
  const share = (recall - low.recall) / (high.recall - low.recall);
  const log = (1 - share) * Math.log(low.searchesPerSecond) + share * Math.log(high.searchesPerSecond);
  return { searchesPerSecond: Math.exp(log), kind: 'measured' };
}

/** Mean share of each query's true neighbours that was found. */
export function meanRecall(found: readonly ArrayLike<number | bigint>[], truth: readonly Uint32Array[]): number {
  let hitCount = 0;
  let wanted = 0;
  truth.forEach((ids, query) => {
    const returned = new Set(Array.from(found[query] ?? [], Number));
    for (const id of ids) if (returned.has(id)) hitCount++;
    wanted += ids.length;
  });
  return wanted === 0 ? 1 : hitCount / wanted;
}

/** The middle value; the mean of the two in the middle for an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] as number : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

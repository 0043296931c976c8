/** Adding and subtracting what reports say; exact, because all histograms have the same buckets. */
import { REPORTED_OPERATIONS, type ReportedFigures, type ReportedFiguresByOperation } from '@shoal/protocol';
import { BUCKET_COUNT } from '../histograms/latency-buckets.ts';

export const NO_FIGURES: ReportedFigures = { buckets: new Array<number>(BUCKET_COUNT).fill(0), sumNs: 0, errors: {} };

function combined(a: ReportedFigures, b: ReportedFigures, sign: 1 | -1): ReportedFigures {
  const errors: Record<string, number> = { ...a.errors };
  for (const [code, count] of Object.entries(b.errors)) errors[code] = (errors[code] ?? 0) + sign * count;
  return { buckets: a.buckets.map((count, bucket) => count + sign * (b.buckets[bucket] ?? 0)), sumNs: a.sumNs + sign * b.sumNs, errors };
}

export function addFigures(all: readonly ReportedFiguresByOperation[]): ReportedFiguresByOperation {
  return Object.fromEntries(REPORTED_OPERATIONS.flatMap((operation) => {
    const present = all.flatMap((figures) => figures[operation] ?? []);
    return present.length === 0 ? [] : [[operation, present.reduce((sum, figures) => combined(sum, figures, 1), NO_FIGURES)]];
  }));
}

/** What `later` has beyond `earlier` of the same instance. */
export function subtractFigures(later: ReportedFiguresByOperation, earlier: ReportedFiguresByOperation): ReportedFiguresByOperation {
  return Object.fromEntries(REPORTED_OPERATIONS.flatMap((operation) => {
    const figures = later[operation];
    return figures === undefined ? [] : [[operation, combined(figures, earlier[operation] ?? NO_FIGURES, -1)]];
  }));
}

export function countOfFigures({ buckets }: ReportedFigures): number {
  return buckets.reduce((sum, count) => sum + count, 0);
}

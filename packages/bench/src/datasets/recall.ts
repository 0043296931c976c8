/**
 * Recall at k: the share of the true k nearest neighbours that a search returned, the measure of ANN-Benchmarks
 * (Aumueller, Bernhardsson, Faithfull, 2017). Ground truth gives row numbers, a database gives keys.
 */
import { ShoalError } from '@shoal/protocol';

export interface RecallOptions {
  /** The key under which a row was stored; the row number in decimal by default. */
  readonly keyOf?: (row: number) => string;
}

/** Recall of one query, from 0 to 1. A key counts once however often it was returned, and only among the first k. */
export function queryRecallAtK(found: readonly string[], truth: Int32Array, k: number, options: RecallOptions = {}): number {
  if (!Number.isInteger(k) || k < 1) throw new ShoalError('invalid_field', `k must be a whole number from 1, not ${k}.`, { field: 'k' });
  if (truth.length < k) {
    throw new ShoalError('invalid_field', `The ground truth has ${truth.length} neighbours per query, fewer than k = ${k}.`, { field: 'k', limit: truth.length });
  }
  const keyOf = options.keyOf ?? String;
  const returned = new Set(found.slice(0, k));
  let hitCount = 0;
  for (let rank = 0; rank < k; rank += 1) {
    if (returned.has(keyOf(truth[rank] ?? 0))) hitCount += 1;
  }
  return hitCount / k;
}

/** Mean recall over all queries, from 0 to 1. `found[i]` answers the query of `truth[i]`; both need the same length, at least 1. */
export function recallAtK(found: readonly (readonly string[])[], truth: readonly Int32Array[], k: number, options: RecallOptions = {}): number {
  if (found.length === 0 || found.length !== truth.length) {
    throw new ShoalError('invalid_field', `There are ${found.length} answers for ${truth.length} rows of ground truth.`, { field: 'truth' });
  }
  let sum = 0;
  truth.forEach((neighbours, query) => {
    sum += queryRecallAtK(found[query] ?? [], neighbours, k, options);
  });
  return sum / truth.length;
}

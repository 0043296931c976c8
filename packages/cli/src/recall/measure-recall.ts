/** Runs all queries with one setting, some of them untimed beforehand, and measures recall together with speed. */
import { percentile, recallAtK } from '@shoal/bench/datasets';
import type { EmbeddingHandle } from '@shoal/client';
import type { SearchPath } from '@shoal/protocol';
import { CLI_LIMITS } from '../limits.ts';

export interface RecallSetting {
  readonly path: SearchPath;
  /** Without effect on a scan, which has no candidate list. */
  readonly ef: number;
}

export interface RecallInput {
  readonly handle: EmbeddingHandle;
  readonly queries: readonly Float32Array[];
  readonly truth: readonly Int32Array[];
  readonly k: number;
  readonly keyOf: (row: number) => string;
  /** Searches under way at once. */
  readonly inFlight: number;
  /** Milliseconds of any steady clock. */
  readonly clockMs: () => number;
  readonly signal: AbortSignal;
}

export interface RecallFigures extends RecallSetting {
  /** Paths that the server took. */
  readonly pathsTaken: readonly string[];
  readonly recall: number;
  readonly searchesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Connections are opened and code is compiled before the clock runs. */
async function warmUp({ handle, queries, k, signal }: RecallInput, { path, ef }: RecallSetting): Promise<void> {
  for (const vector of queries.slice(0, CLI_LIMITS.recallWarmUpQueries)) await handle.search({ vector, k, path, ef, signal });
}

export async function measureRecall(input: RecallInput, setting: RecallSetting): Promise<RecallFigures> {
  const { handle, queries, truth, k, clockMs, signal } = input;
  await warmUp(input, setting);
  const found: string[][] = [];
  const latenciesMs: number[] = [];
  const pathsTaken = new Set<string>();
  let next = 0;
  const search = async (query: number): Promise<void> => {
    const startMs = clockMs();
    const vector = queries[query] ?? new Float32Array(0);
    const { hits, path } = await handle.search({ vector, k, path: setting.path, ef: setting.ef, signal });
    latenciesMs.push(clockMs() - startMs);
    pathsTaken.add(path);
    found[query] = hits.map((hit) => hit.key);
  };
  const lane = async (): Promise<void> => {
    while (next < queries.length) await search(next++);
  };
  const startMs = clockMs();
  await Promise.all(Array.from({ length: input.inFlight }, lane));
  const durationMs = clockMs() - startMs;
  return {
    ...setting,
    pathsTaken: [...pathsTaken].sort(),
    recall: recallAtK(found, truth, k, { keyOf: input.keyOf }),
    searchesPerSecond: (queries.length * 1000) / durationMs,
    p50Ms: percentile(latenciesMs, 50),
    p99Ms: percentile(latenciesMs, 99),
  };
}

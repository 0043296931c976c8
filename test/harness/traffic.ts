/** Writes and searches without a pause while a suite takes parts of a cluster away. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddingHandle } from '@shoal/client';
import { mergeReceipt, upsertVersion, vectorOf, type Ledger } from './workload.ts';

export interface TrafficCounts {
  searches: number;
  failedSearches: string[];
  writes: number;
  failedWrites: string[];
}

export interface Traffic {
  readonly counts: TrafficCounts;
  /** Resolves when the requests under way have been answered. */
  stop(): Promise<void>;
}

export interface TrafficPlan {
  /** Keys that are written begin with it; keys that are searched for are `searched`. */
  readonly name: string;
  readonly writing: EmbeddingHandle;
  /** Asked in turn. */
  readonly reading: readonly EmbeddingHandle[];
  /** Keys that hold version 1 and that nobody writes. */
  readonly searched: readonly string[];
  readonly ledger: Ledger;
  /** Receipts of the writes are added to it. */
  readonly receipt: Record<string, number>;
  /** Between two writes; every version that is written has to be looked for in the audit. None where absent. */
  readonly writePauseMs?: number;
}

const BATCH = 20;
const BATCH_NAMES = 25;

async function writeUntil(stopping: AbortSignal, { name, writing, ledger, receipt, writePauseMs = 0 }: TrafficPlan, counts: TrafficCounts): Promise<void> {
  for (let batch = 0; !stopping.aborted; batch += 1) {
    const keys = Array.from({ length: BATCH }, (_unused, index) => `${name}-${batch % BATCH_NAMES}-${index}`);
    await upsertVersion(writing, ledger, keys, batch + 1, 'logged').then((each) => mergeReceipt(receipt, each), (error: unknown) => counts.failedWrites.push(String(error)));
    counts.writes += 1;
    if (writePauseMs > 0) await sleep(writePauseMs);
  }
}

async function searchUntil(stopping: AbortSignal, { reading, searched, ledger }: TrafficPlan, counts: TrafficCounts): Promise<void> {
  for (let turn = 0; !stopping.aborted; turn += 1) {
    const handle = reading[turn % reading.length];
    const key = searched[turn % searched.length];
    if (handle === undefined || key === undefined) return;
    const found = await handle.search({ vector: vectorOf(key, 1, ledger.dim), k: 1, timeoutMs: 10_000 }).catch((error: unknown) => void counts.failedSearches.push(String(error)));
    if (found !== undefined && found.hits[0]?.key !== key) counts.failedSearches.push(`${key} was not found`);
    counts.searches += 1;
  }
}

/** One writer and two readers, until they are told to stop. */
export function startTraffic(plan: TrafficPlan): Traffic {
  const counts: TrafficCounts = { searches: 0, failedSearches: [], writes: 0, failedWrites: [] };
  const stopping = new AbortController();
  const loops = [writeUntil(stopping.signal, plan, counts), searchUntil(stopping.signal, plan, counts), searchUntil(stopping.signal, plan, counts)];
  return {
    counts,
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}

/** For people: how much there was, and each way in which something failed. */
export function trafficText({ searches, failedSearches, writes, failedWrites }: TrafficCounts): string {
  const failures = [...new Set([...failedSearches, ...failedWrites])].map((failure) => `\n  ${failure}`);
  return `${searches} searches (${failedSearches.length} failed), ${writes} writes of ${BATCH} vectors (${failedWrites.length} failed)${failures.join('')}`;
}

export const isFaultless = ({ failedSearches, failedWrites }: TrafficCounts): boolean => failedSearches.length + failedWrites.length === 0;

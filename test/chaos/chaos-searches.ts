import { setTimeout as sleep } from 'node:timers/promises';
import type { Hit, ShoalClient } from '@shoal/client';
import { l2, seededRandom, vectorOf, type Ledger } from '../harness/workload.ts';

const PAUSE_MS = 30;
const TIMEOUT_MS = 8_000;

export interface SearcherOptions {
  readonly client: ShoalClient;
  readonly embedding: string;
  readonly ledger: Ledger;
  readonly receipt: Readonly<Record<string, number>>;
  readonly number: number;
  readonly seed: number;
  readonly isStopped: () => boolean;
}

export interface SearchTally {
  readonly durationsMs: number[];
  /** Answered by the gateway that was asked first. */
  answeredAtOnce: number;
  readonly failures: Map<string, number>;
  readonly wrongAnswers: string[];
}

/**
 * Searches at a steady pace around vectors that were written. Every other search carries all receipts until then, and must not return
 * anything that was replaced or deleted before; no search may return what was never written, or one key twice.
 */
export async function searchOn({ client, embedding, ledger, receipt, number, seed, isStopped }: SearcherOptions): Promise<SearchTally> {
  const random = seededRandom(seed + 104_729 * (number + 1));
  const tally: SearchTally = { durationsMs: [], answeredAtOnce: 0, failures: new Map(), wrongAnswers: [] };
  const handle = client.embedding(embedding);
  for (let turn = 0; !isStopped(); turn += 1) {
    await sleep(PAUSE_MS);
    const key = ledger.pickKey(random());
    const version = key === undefined ? undefined : ledger.sent(key).at(-1);
    if (key === undefined || version === undefined) continue;
    const withReceipt = turn % 2 === 0;
    const startedAt = ledger.moment;
    const after = withReceipt ? { ...receipt } : undefined;
    const { url } = client;
    const startedMs = performance.now();
    try {
      const { hits } = await handle.search({ vector: vectorOf(key, version, ledger.dim), k: 10, include: ['payload'], timeoutMs: TIMEOUT_MS, ...(after === undefined ? {} : { after }) });
      tally.durationsMs.push(performance.now() - startedMs);
      if (client.url === url) tally.answeredAtOnce += 1;
      const fault = faultOf(hits, vectorOf(key, version, ledger.dim), ledger, withReceipt ? startedAt : undefined);
      if (fault !== undefined) tally.wrongAnswers.push(fault);
    } catch (error) {
      const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);
      tally.failures.set(code, (tally.failures.get(code) ?? 0) + 1);
    }
  }
  return tally;
}

function faultOf(hits: readonly Hit[], query: Float32Array, ledger: Ledger, startedAt: number | undefined): string | undefined {
  if (new Set(hits.map(({ key }) => key)).size < hits.length) return 'a key twice in one answer';
  for (const { key, distance, payload } of hits) {
    const version = payload?.['version'] as number;
    if (!ledger.sent(key).includes(version)) return `${key} in version ${version}, which was never written`;
    if (Math.abs(l2(query, vectorOf(key, version, ledger.dim)) - distance) > 1e-3) return `${key} in version ${version} at distance ${distance}`;
    if (startedAt !== undefined && !ledger.mayReturn(key, version, startedAt)) return `${key} in version ${version}, which was replaced or deleted before the receipt`;
  }
  return undefined;
}

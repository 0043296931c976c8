/**
 * A cluster that gains a shard and loses another while it is written to and searched. Every request is sent once: whatever fails is
 * counted as failed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ShoalError, type EmbeddingHandle, type ShoalClient } from '@shoal/client';
import { startCluster } from '../harness/suite-cluster.ts';
import { Ledger, audit, mergeReceipt, seededRandom, upsertVersion, vectorOf, type AuditResult } from '../harness/workload.ts';
import { settled, slotCountOf, type Placement } from './placement-watch.ts';
import { compareReplicas, type ReplicaComparison } from './replica-comparison.ts';

export interface RebalanceOptions {
  readonly seed: number;
  readonly shards: number;
  readonly slots: number;
  readonly embeddings: number;
  readonly keysPerEmbedding: number;
  readonly dim: number;
  /** Load goes on for so long before the first change and after the last. */
  readonly steadyMs: number;
  readonly batch: number;
  readonly writePauseMs: number;
}

export interface RebalanceReport {
  readonly writeCount: number;
  readonly vectorCount: number;
  readonly searchCount: number;
  readonly failures: readonly string[];
  readonly slotsPerShard: Readonly<Record<string, number>>;
  readonly moveMs: number;
  readonly drainedSlots: number;
  readonly audits: readonly AuditResult[];
  readonly comparison: ReplicaComparison;
  /** Whether the digests that replicas announce became equal, slot by slot, when nobody wrote any more. */
  readonly digestsEqual: boolean;
  /** Slots that did not turn out equal when all replicas had read their rows again. */
  readonly unverifiedSlots: readonly number[];
}

const VERIFY_MS = 120_000;

interface Load {
  writeCount: number;
  vectorCount: number;
  searchCount: number;
  readonly failures: string[];
}

interface Loaded {
  readonly handle: EmbeddingHandle;
  readonly ledger: Ledger;
  readonly receipt: Record<string, number>;
}

const describe = (what: string, error: unknown): string => `${what}: ${error instanceof ShoalError ? `${error.code}: ${error.message}` : String(error)}`;

/** One writer per embedding, over its keys again and again, each time in a new version. */
async function write(loaded: Loaded, options: RebalanceOptions, load: Load, signal: AbortSignal): Promise<void> {
  for (let version = 1; ; version += 1) {
    for (let first = 0; first < options.keysPerEmbedding; first += options.batch) {
      if (signal.aborted) return;
      const keys = Array.from({ length: Math.min(options.batch, options.keysPerEmbedding - first) }, (_unused, index) => `k${first + index}`);
      try {
        mergeReceipt(loaded.receipt, await upsertVersion(loaded.handle, loaded.ledger, keys, version, version % 2 === 0 ? 'applied' : 'logged'));
        load.writeCount += 1;
        load.vectorCount += keys.length;
      } catch (error) {
        load.failures.push(describe('write', error));
      }
      // Between messages, so that the log holds many of them and the audit, which looks for every version, stays short.
      await sleep(options.writePauseMs);
    }
  }
}

/** Which replicas had not yet applied what a receipt names, as the cluster tells right after a search failed. */
async function whoIsBehind(client: ShoalClient, receipt: Readonly<Record<string, number>>): Promise<string> {
  const { shards } = await client.cluster();
  const behind = shards.flatMap(({ shard, lastSeenMs, slots }) => slots.flatMap(({ slot, ready, lagging, appliedSequence, pendingCount }) => {
    const wanted = receipt[String(slot)] ?? 0;
    return appliedSequence >= wanted ? [] : [`slot ${slot} on ${shard} (heard ${lastSeenMs} ms ago): ${ready ? (lagging === true ? 'lagging' : 'ready') : 'not ready'}, at ${appliedSequence} of ${wanted}, ${pendingCount ?? 0} pending`];
  }));
  return behind.length === 0 ? 'nobody is behind' : behind.join('; ');
}

/** Searches with the newest receipt at hand, so that each must see every acknowledged write. */
async function search(client: ShoalClient, all: readonly Loaded[], options: RebalanceOptions, load: Load, signal: AbortSignal, seed: number): Promise<void> {
  const random = seededRandom(seed);
  while (!signal.aborted) {
    const loaded = all[Math.floor(random() * all.length)];
    if (loaded === undefined) return;
    const key = `k${Math.floor(random() * options.keysPerEmbedding)}`;
    const receipt = { ...loaded.receipt };
    try {
      await loaded.handle.search({ vector: vectorOf(key, 1, options.dim), k: 5, after: receipt });
      load.searchCount += 1;
    } catch (error) {
      load.failures.push(`${describe('search', error)} Then: ${await whoIsBehind(client, receipt).catch(String)}`);
    }
    await sleep(2);
  }
}

export async function runRebalance(options: RebalanceOptions, say: (line: string) => void): Promise<RebalanceReport> {
  const { cluster, nats, close } = await startCluster({ shardCount: options.shards, gatewayCount: 1, slots: options.slots, placement: 'placed' });
  try {
    const client = cluster.client(0, { retries: 0 });
    await settled(client);
    const all = await Promise.all(Array.from({ length: options.embeddings }, async (_unused, index): Promise<Loaded> => {
      const { handle } = await client.register({ model: `rebalance ${options.seed} ${index}`, dim: options.dim, distance: 'l2', partitions: 4 });
      return { handle, ledger: new Ledger(options.dim), receipt: {} };
    }));
    const load: Load = { writeCount: 0, vectorCount: 0, searchCount: 0, failures: [] };
    const stop = new AbortController();
    const running = Promise.all([
      ...all.map((loaded) => write(loaded, options, load, stop.signal)),
      ...[1, 2].map((reader) => search(client, all, options, load, stop.signal, options.seed + reader)),
    ]);
    await sleep(options.steadyMs);
    const movedFromMs = performance.now();
    const newcomer = `shard-${options.shards}`;
    cluster.addShard();
    const grown = await settled(client, (placement) => slotCountOf(placement, newcomer) > 0);
    say(`with a shard more: ${slotsText(grown)} after ${((performance.now() - movedFromMs) / 1000).toFixed(1)} s`);
    await client.placement.drain('shard-0');
    const shrunk = await settled(client, (placement) => slotCountOf(placement, 'shard-0') === 0);
    const moveMs = performance.now() - movedFromMs;
    say(`without the drained one: ${slotsText(shrunk)} after ${(moveMs / 1000).toFixed(1)} s`);
    // What was drained may be stopped, and nobody notices.
    await cluster.shards[0]?.end('SIGTERM');
    await sleep(options.steadyMs);
    stop.abort();
    await running;
    const audits = [];
    for (const { handle, ledger, receipt } of all) audits.push(await audit(handle, ledger, receipt));
    const comparison = await compareReplicas(nats.url, shrunk, options.slots, await Promise.all(all.map(({ handle }) => handle.describe())));
    return {
      ...load, audits, comparison, moveMs,
      digestsEqual: await becomeEqual(client),
      unverifiedSlots: (await client.verifyReplicas({ timeoutMs: VERIFY_MS })).filter(({ verdict }) => verdict !== 'equal').map(({ slot }) => slot),
      drainedSlots: slotCountOf(shrunk, 'shard-0'),
      slotsPerShard: Object.fromEntries(shrunk.members.map(({ shard, slotCount }) => [shard, slotCount])),
    };
  } finally {
    await close();
  }
}

/** Announcements come every second, so equal replicas need a moment to say so. */
async function becomeEqual(client: ShoalClient): Promise<boolean> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const digests = await client.replicaDigests();
    if (digests.length > 0 && digests.every(({ equal, replicas }) => equal && replicas.length === 2)) return true;
    await sleep(200);
  }
  return false;
}

function slotsText({ members }: Placement): string {
  return members.map(({ shard, slotCount, drained }) => `${shard} ${slotCount}${drained ? ' (drained)' : ''}`).join(', ');
}

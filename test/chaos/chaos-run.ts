import { setTimeout as sleep } from 'node:timers/promises';
import { audit as auditBySearch, Ledger, type AuditResult } from '../harness/workload.ts';
import { ChaosCluster, REPLICAS, SLOTS, TARGETS } from './chaos-cluster.ts';
import { searchOn, type SearchTally } from './chaos-searches.ts';
import { writeOn, type WriterTally } from './chaos-writers.ts';
import { drawFaults, makeFault, type Fault } from './faults.ts';
import { auditReplicas, type ReplicaAudit } from './replica-audit.ts';

/** Thin graphs: building them is not what is tried here, and shards build them again at every start. */
const GRAPH = { m: 8, efConstruction: 40 } as const;

const DIGESTS_MS = 60_000;

export interface ChaosOptions {
  readonly seed: number;
  /** `placed`: the cluster decides which shards hold which slots. `fixed`: their settings do. */
  readonly placement: 'placed' | 'fixed';
  readonly faultCount: number;
  /** Keys that are written while faults happen. */
  readonly vectorCount: number;
  readonly dim: number;
  readonly partitions: number;
  readonly writers: number;
  readonly searchers: number;
  /** Keys, drawn from all, that are searched for at the end through the gateways, besides reading every row of every replica. */
  readonly searchedKeys: number;
  readonly onProgress: (line: string) => void;
}

export interface ChaosReport {
  readonly faults: ReadonlyMap<string, number>;
  readonly durationMs: number;
  readonly writes: readonly WriterTally[];
  readonly searches: readonly SearchTally[];
  readonly liveKeys: number;
  readonly deletedKeys: number;
  readonly unsureKeys: number;
  readonly setAsideCount: number;
  readonly replicas: ReplicaAudit;
  /** Slots whose replicas announce different digests of their content. */
  readonly unequalDigests: readonly string[];
  readonly searched: AuditResult;
}

/** Loads a cluster and searches in it while its processes are killed and stopped, and compares everything with what was acknowledged. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const cluster = await ChaosCluster.start(options.placement);
  try {
    return await disturbAndCompare(cluster, options);
  } catch (error) {
    for (const line of cluster.complaints()) options.onProgress(line);
    throw error;
  } finally {
    await cluster.close();
  }
}

async function disturbAndCompare(cluster: ChaosCluster, options: ChaosOptions): Promise<ChaosReport> {
  const { seed, faultCount, vectorCount, dim, partitions, onProgress } = options;
  const { handle, description } = await cluster.client(0).register({ model: `chaos ${seed}`, dim, distance: 'l2', partitions, hnsw: GRAPH });
  const ledger = new Ledger(dim);
  const receipt: Record<string, number> = {};
  const made = new Map<string, number>();
  let faultsMade = 0;
  let isStopped = false;
  // Growth keeps step with the faults, so that both end together.
  const mayGrow = (): boolean => ledger.keyCount < (vectorCount * (faultsMade + 1)) / faultCount;
  const startedMs = performance.now();
  const shared = { ledger, receipt, seed, isStopped: () => isStopped };
  const writing = Promise.all(Array.from({ length: options.writers }, (_, number) =>
    writeOn({ ...shared, number, mayGrow, handle: cluster.client(number).embedding(description.name) })));
  const searching = Promise.all(Array.from({ length: options.searchers }, (_, number) =>
    searchOn({ ...shared, number, client: cluster.client(number), embedding: description.name })));
  try {
    const byTarget = drawFaults(seed, faultCount, TARGETS);
    await Promise.all(Object.values(byTarget).map((faults) => makeAll(cluster, faults, (fault) => {
      const name = `${fault.deed} ${fault.target}`;
      made.set(name, (made.get(name) ?? 0) + 1);
      faultsMade += 1;
      onProgress(`${Math.round((performance.now() - startedMs) / 1_000)} s: fault ${faultsMade} of ${faultCount}: ${name} ${fault.index} for ${fault.durationMs} ms; ${ledger.keyCount} keys`);
    })));
    while (ledger.keyCount < vectorCount) await sleep(100);
  } finally {
    isStopped = true;
  }
  const writes = await writing;
  const searches = await searching;
  const durationMs = performance.now() - startedMs;
  onProgress(`${Math.round(durationMs / 1_000)} s: faults are over; comparing`);
  await cluster.untilWhole(600_000);
  const replicas = await auditReplicas(cluster.bus, { code: description.code, partitions, slots: SLOTS }, cluster.watch.readyBySlot(SLOTS), ledger);
  const unequalDigests = await slotsThatDisagree(cluster);
  const searched = await auditBySearch(handle, ledger, receipt, options.searchedKeys);
  const { live, deleted } = ledger.certain();
  return {
    faults: made, durationMs, writes, searches, replicas, unequalDigests, searched, setAsideCount: cluster.watch.setAsideCount,
    liveKeys: live.size, deletedKeys: deleted.size, unsureKeys: ledger.keyCount - live.size - deleted.size,
  };
}

/** Announcements come once a second, so replicas that are equal are not so at once in what is known of them. */
async function slotsThatDisagree(cluster: ChaosCluster): Promise<readonly string[]> {
  const deadlineMs = Date.now() + DIGESTS_MS;
  for (;;) {
    const unequal = (await cluster.client(0).replicaDigests()).filter(({ replicas, equal }) => replicas.length < REPLICAS || !equal);
    if (unequal.length === 0 || Date.now() > deadlineMs) return unequal.map((each) => JSON.stringify(each));
    await sleep(500);
  }
}

/** One after the other: a target of this kind is well again before the next one is hit. */
async function makeAll(cluster: ChaosCluster, faults: readonly Fault[], onFault: (fault: Fault) => void): Promise<void> {
  for (const fault of faults) {
    await sleep(fault.gapMs);
    onFault(fault);
    await makeFault(cluster, fault);
  }
}

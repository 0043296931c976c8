/** What is done to the cluster while it is written to and searched; each resolves when everything is ready again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ShoalClient } from '@shoal/client';
import { settled, slotCountOf } from '../cluster/placement-watch.ts';
import type { Kubectl } from './kubectl.ts';

const ROLLOUT_TIMEOUT = '--timeout=600s';
const SETTLE_MS = 300_000;

export interface DisturbedCluster {
  readonly kubectl: Kubectl;
  readonly client: ShoalClient;
  readonly say: (text: string) => void;
}

export const rolledOut = async (kubectl: Kubectl, ...resources: readonly string[]): Promise<void> => {
  for (const resource of resources) await kubectl.run(['rollout', 'status', resource, ROLLOUT_TIMEOUT]);
};

export async function loseShardPods({ kubectl, client, say }: DisturbedCluster): Promise<void> {
  await kubectl.run(['delete', 'pod', 'shard-1']);
  await rolledOut(kubectl, 'statefulset/shard');
  await settled(client, undefined, SETTLE_MS);
  say('shard-1 was deleted in order, and is back');
  await kubectl.run(['delete', 'pod', 'shard-0', '--grace-period=0', '--force']);
  await rolledOut(kubectl, 'statefulset/shard');
  await settled(client, undefined, SETTLE_MS);
  say('shard-0 was killed, and is back');
  await kubectl.run(['delete', 'pvc', 'data-shard-2', '--wait=false']);
  await kubectl.run(['delete', 'pod', 'shard-2', '--grace-period=0', '--force']);
  await rolledOut(kubectl, 'statefulset/shard');
  await settled(client, undefined, SETTLE_MS);
  say('shard-2 was killed with its volume, and is back from the log');
}

/** Asks for the eviction of two pods at once: the budget lets one go. Throws when it lets both go, or none. */
export async function evictTwo({ kubectl, client, say }: DisturbedCluster, workload: 'shard' | 'nats'): Promise<void> {
  const preferred = await kubectl.run(['get', 'poddisruptionbudget', workload, '--output', 'jsonpath={.apiVersion}']);
  const refusals: string[] = [];
  for (const name of [`${workload}-0`, `${workload}-1`]) {
    const namespace = await kubectl.run(['get', 'pod', name, '--output', 'jsonpath={.metadata.namespace}']);
    const eviction = JSON.stringify({ apiVersion: preferred, kind: 'Eviction', metadata: { name, namespace } });
    await kubectl.run(['create', '--raw', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, '--filename', '-'], eviction).catch((error: unknown) => refusals.push(String(error)));
  }
  if (refusals.length !== 1 || !/disruption budget/.test(refusals[0] ?? '')) throw new Error(`one of two evictions should be refused by the budget: ${refusals.join('; ') || 'none was'}`);
  // The controller needs a moment to see the pod that is gone.
  await sleep(2_000);
  await rolledOut(kubectl, `statefulset/${workload}`);
  await settled(client, undefined, SETTLE_MS);
  say(`of two ${workload} pods that were to be evicted one went and is back; the other was protected by its budget`);
}

export async function restartInOrder({ kubectl, client, say }: DisturbedCluster, workload: 'shard' | 'nats'): Promise<void> {
  const startedAtMs = Date.now();
  await kubectl.run(['rollout', 'restart', `statefulset/${workload}`]);
  await rolledOut(kubectl, `statefulset/${workload}`);
  await settled(client, undefined, SETTLE_MS);
  say(`every ${workload} pod was replaced in order in ${((Date.now() - startedAtMs) / 1000).toFixed(0)} s`);
}

/** From three shards to four and back, as docs/deploy.md says. */
export async function scaleShards({ kubectl, client, say }: DisturbedCluster): Promise<void> {
  await kubectl.run(['scale', 'statefulset/shard', '--replicas=4']);
  await rolledOut(kubectl, 'statefulset/shard');
  const grown = await settled(client, (placement) => slotCountOf(placement, 'shard-3') > 0, SETTLE_MS);
  say(`four shards: ${grown.members.map(({ shard, slotCount }) => `${shard} ${slotCount}`).join(', ')} slots`);
  await client.placement.drain('shard-3');
  await settled(client, (placement) => slotCountOf(placement, 'shard-3') === 0, SETTLE_MS);
  await kubectl.run(['scale', 'statefulset/shard', '--replicas=3']);
  await kubectl.run(['wait', 'pod/shard-3', '--for=delete', '--timeout=120s']);
  await client.placement.undrain('shard-3');
  const shrunk = await settled(client, undefined, SETTLE_MS);
  say(`three again: ${shrunk.members.map(({ shard, slotCount }) => `${shard} ${slotCount}`).join(', ')} slots`);
}
